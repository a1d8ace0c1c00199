"""Checks with Prometheus' own promtool that each alert fires when it should, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.promtool import promtool
from tests.unit.manifests.test_manifests import MANIFESTS, documents

PLAYED = Path(__file__).with_name("alerts.yaml")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a file with the rules, as Prometheus itself reads them."""
    (rule,) = documents(MANIFESTS / "alerts/prometheusrule.yaml")
    path = tmp_path_factory.mktemp("alerts") / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    return path


def names(rules: Path) -> set[str]:
    return {rule["alert"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]}


def test_the_rules_are_prometheus_rules(rules: Path) -> None:
    assert f"SUCCESS: {len(names(rules))} rules found" in promtool("check", "rules", rules)


def test_each_alert_fires_when_it_should_and_only_then(rules: Path) -> None:
    played = rules.with_name(PLAYED.name)
    played.write_text(PLAYED.read_text())
    promtool("test", "rules", played)


def test_each_alert_is_played(rules: Path) -> None:
    tests = yaml.safe_load(PLAYED.read_text())["tests"]
    fired = {item["alertname"] for test in tests for item in test["alert_rule_test"] if item.get("exp_alerts")}
    assert fired == names(rules)
