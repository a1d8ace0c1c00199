"""Checks that a DatasetVersion takes its verdict from the result beside its bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import DATASET_VERSIONS
from tests.unit.kinds.objects import digest, meta
from tests.unit.kinds.world import World

ID = "0123456789" + "a" * 54
NAME, URI = f"penguins-{ID[:10]}", "mlflow-artifacts:/modelyard/team/uid/x"
SPEC = {
    "datasetRef": {"name": "penguins"},
    "digest": digest("a"),
    "uri": URI,
    "rows": 10,
    "testRows": 2,
    "bytes": 100,
    "target": "y",
    "columns": [{"name": "y", "type": "Category"}],
    "split": {},
}


def result(**more: Any) -> dict[str, Any]:
    keys = ("digest", "uri", "rows", "testRows", "bytes", "target", "columns")
    return {"kind": "Ingest", "accepted": True, "versionId": ID} | {key: SPEC[key] for key in keys} | more


def judged(document: Any) -> World:
    world = World()
    world.results = {f"{URI}/result.json": document} if document else {}
    world.put(DATASET_VERSIONS, {**meta(NAME), "kind": "DatasetVersion", "spec": SPEC})
    world.settle()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a DatasetVersion has become Ready, and its name."""
    return judged(result()), NAME


def violations(count: int, size: int = 5) -> list[dict[str, Any]]:
    text = "v" * size
    return [{"column": text[:128], "rule": text, "found": text, "examples": [text] * 5} for _ in range(count)]


@pytest.mark.parametrize(
    ("document", "accepted", "ready"),
    [
        (result(), True, ("True", "Accepted")),
        (result(violations=violations(1)), True, ("True", "AcceptedWithWarnings")),
        (result(accepted=False, violations=violations(1)), False, ("False", "ValidationFailed")),
        (result(digest=digest("b")), None, ("False", "DataMissing")),
        (result(versionId="f" * 64), None, ("False", "DataMissing")),
        ({"kind": "Ingest"}, None, ("False", "ResultUnreadable")),
        (None, None, ("False", "DataMissing")),
    ],
)
def test_verdicts(document: Any, accepted: bool | None, ready: tuple[str, str]) -> None:
    world = judged(document)
    assert world.condition(DATASET_VERSIONS, NAME)[:2] == ready
    assert world.status_of(DATASET_VERSIONS, NAME).get("accepted") is accepted


def test_the_page_about_it_is_where_people_reach_it() -> None:
    """The store's own name is one that the cluster alone knows, so the page is behind a port-forward."""
    status = judged(result(report=True)).status_of(DATASET_VERSIONS, NAME)
    path = "api/2.0/mlflow-artifacts/artifacts/modelyard/team/uid/x/report.html"
    assert status["report"] == {"uri": f"{URI}/report.html", "url": f"http://localhost:5000/{path}"}


def test_a_version_without_a_page_stands_and_says_why() -> None:
    world = judged(result(reportProblem="KeyError: 'x'"))
    assert "report" not in world.status_of(DATASET_VERSIONS, NAME)
    ready, reason, message = world.condition(DATASET_VERSIONS, NAME)[:3]
    assert (ready, reason, message) == ("True", "Accepted", "10 rows, 1 columns; it has no report: KeyError: 'x'")


def doubts(count: int, size: int = 20) -> list[dict[str, Any]]:
    return [{"column": f"x{i}", "reason": "LeadingZeros", "message": "m" * size, "count": 1} for i in range(count)]


def test_what_was_guessed_is_told() -> None:
    sure, unsure = judged(result()), judged(result(doubts=doubts(4)))
    assert sure.condition(DATASET_VERSIONS, NAME, "TypesCertain")[:2] == ("True", "NothingGuessed")
    ready, reason, message = unsure.condition(DATASET_VERSIONS, NAME, "TypesCertain")[:3]
    assert (ready, reason) == ("False", "TypesGuessed")
    assert message.count("m" * 20) == 3
    assert message.endswith("see 1 more in status.doubts")
    assert unsure.status_of(DATASET_VERSIONS, NAME)["doubts"] == doubts(4)
    assert unsure.condition(DATASET_VERSIONS, NAME)[:2] == ("True", "Accepted")


@pytest.mark.parametrize("size", [20, 500])
def test_the_doubts_of_a_status_are_few_and_the_last_counts_the_others(size: int) -> None:
    told = judged(result(doubts=doubts(20, size), violations=violations(20, 200))).status_of(DATASET_VERSIONS, NAME)
    assert len(json.dumps(told)) < 20 * 1024
    if size == 20:
        assert told["doubts"] == doubts(20)
    else:
        assert told["doubts"][-1]["reason"] == "MoreDoubts"
        assert told["doubts"][-1]["count"] == 20 - len(told["doubts"]) + 1


def test_a_verdict_is_read_once_and_a_lost_one_comes_back() -> None:
    world = judged(result())
    before = world.status_of(DATASET_VERSIONS, NAME)
    world.tick(600)
    assert world.read.total() == 1
    world.status(DATASET_VERSIONS, NAME, None)
    world.now = world.now.replace(hour=12, minute=0)
    world.settle()
    assert world.status_of(DATASET_VERSIONS, NAME) == before


def test_it_waits_for_the_store() -> None:
    world = World()
    world.down.add(Result)
    world.put(DATASET_VERSIONS, {**meta(NAME), "kind": "DatasetVersion", "spec": SPEC})
    world.settle()
    assert world.condition(DATASET_VERSIONS, NAME)[:2] == ("False", "ArtifactStoreUnavailable")
    world.down.clear()
    world.results[f"{URI}/result.json"] = result()
    world.tick(10)
    assert world.condition(DATASET_VERSIONS, NAME)[:2] == ("True", "Accepted")


def test_violations_of_any_length_leave_a_small_status() -> None:
    # The limit of 20 KiB is checked at every pass, by tests.unit.kinds.rules: check only that some violations are kept.
    world = judged(result(accepted=False, violations=violations(20, 256) + violations(100)))
    kept = world.status_of(DATASET_VERSIONS, NAME)["violations"]
    assert 5 <= len(kept) <= 20
    assert len(kept[0]["examples"][0]) == 64
