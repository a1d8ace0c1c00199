"""Checks the dashboards: current, understood by Prometheus' own parser, and about metrics that somebody exports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from modelyard.engine.metrics import Metrics
from modelyard.engine.object_metrics import CONDITION
from modelyard_api.kinds.registry import KINDS
from modelyard_server.metrics import Metrics as ServerMetrics
from tests.support.dashboards import BOARDS, board, queries
from tests.support.promtool import promtool
from tests.unit.manifests.test_manifests import MANIFESTS, documents

_SUFFIXES = re.compile(r"_(total|bucket|sum|count|info)$")


def exported() -> set[str]:
    """Returns the names of the metrics of the operator and of the model server, without suffixes."""
    engine: Any = SimpleNamespace(limiter=SimpleNamespace(bytes=0), payloads=None, draining=False)
    pages = (Metrics().page(), ServerMetrics((), engine).exposition())
    names = {family.name for page in pages for family in text_string_to_metric_families(page.decode())}
    figures = {figure.metric(name) for name, kind in KINDS.items() for figure in kind.info.figures}
    return {_SUFFIXES.sub("", name) for name in names} | figures | {CONDITION}


def asked(expression: str) -> set[str]:
    return {_SUFFIXES.sub("", name) for name in re.findall(r"\bmodelyard_[a-z_]+", expression)}


@pytest.mark.parametrize("name", BOARDS)
def test_each_query_asks_for_what_is_exported(name: str) -> None:
    for title, expression in queries(name):
        assert asked(expression), title
        assert asked(expression) <= exported(), title


def test_each_alert_asks_for_what_is_exported() -> None:
    (rule,) = documents(MANIFESTS / "alerts/prometheusrule.yaml")
    for alert in (alert for group in rule["spec"]["groups"] for alert in group["rules"]):
        assert asked(alert["expr"]) <= exported(), alert["alert"]


@pytest.mark.parametrize("name", BOARDS)
def test_prometheus_understands_each_query(name: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, (_, text) in enumerate(queries(name))]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", file)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_and_places_of_their_own_and_the_chosen_prometheus(name: str) -> None:
    document = board(name)
    panels = document["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    cells = [cell for panel in panels for cell in _cells(panel["gridPos"])]
    assert len(cells) == len(set(cells)), "no panel lies over another"
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels if panel["type"] != "row")
    variables = {variable["name"] for variable in document["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(document)))
    assert used == variables


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    assert columns.stop <= 24
    return [(column, row) for column in columns for row in rows]
