"""Checks retention of versions against what uses them, and the progress of a long reading, on a real cluster."""

from __future__ import annotations

import pytest

from tests.support.kube import Kube
from tests.support.scene import CSV, Scene

pytestmark = pytest.mark.cluster


def versions(kube: Kube) -> set[str]:
    return {item["metadata"]["name"] for item in kube.list("datasetversions")}


def latest(kube: Kube, name: str, but: str | None = None) -> str:
    """Waits until the latest version is another one than ``but``, and returns its name."""

    def probe() -> str | None:
        found = ((kube.get("dataset", name) or {}).get("status") or {}).get("latest")
        return found if found != but else None

    return str(kube.until(f"a new version of {name}", probe, 180))


def test_versions_that_nothing_uses_go_and_one_that_a_model_comes_from_stays(kube: Kube) -> None:
    scene = Scene(kube)
    scene.table("good")
    source = {"configMap": {"name": "good", "key": "t.csv"}}
    scene.put("Dataset", "good", {"source": source, "target": "y", "checkEvery": "5s", "retention": {"keep": 1}})
    first = latest(kube, "good")
    scene.put("Model", "kept", {"task": "Classification"})
    estimator = {"estimator": {"algorithm": "LogisticRegression"}}
    run = {"datasetRef": {"name": "good"}, "trainer": estimator, "modelRef": {"name": "kept"}}
    scene.put("TrainingRun", "learns", run)
    kube.until_condition("trainingrun", "learns", seconds=240)
    seen = [first]
    for number in (1, 2):
        scene.table("good", CSV + f"{100 + number},3,no\n")
        seen.append(latest(kube, "good", seen[-1]))
    kube.until("the second version goes", lambda: seen[1] not in versions(kube), 120)
    assert {seen[0], seen[2]} <= versions(kube), "the model's and the latest stay"
    assert seen[1] in scene.event_note("Dataset", "good", "VersionsExpired")
    kube.until("its bytes are gone", lambda: not (kube.get("dataset", "good") or {})["status"].get("expiring"), 60)
    kube.delete("trainingrun", "learns")
    kube.delete("model", "kept")
    kube.until("the first version goes too", lambda: seen[0] not in versions(kube), 120)


def test_a_long_reading_tells_how_far_it_is(kube: Kube) -> None:
    scene = Scene(kube)
    scene.dataset()
    kube.until_condition("dataset", "good", seconds=180)
    sql = "SELECT a + i AS a, b, y FROM good, range(100000) numbers(i)"
    tables = [{"name": "good", "datasetRef": {"name": "good"}}]
    scene.put("Dataset", "long", {"source": {"query": {"from": tables, "sql": sql}}, "target": "y"})

    def progress() -> str | None:
        return (((kube.get("dataset", "long") or {}).get("status") or {}).get("progress") or {}).get("message")

    assert " rows" in str(kube.until("the progress of a long reading", progress, 240))
    kube.until_condition("dataset", "long", seconds=300)
    assert progress() is None
