"""Watches a served model on real pods: rows like those it learned from are quiet, and a shifted column is named."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from modelyard.engine.conditions import parse_time
from tests.support.birds import birds
from tests.support.kube import Kube, Object, condition
from tests.support.mainjob import DEPLOYMENT, EXAMPLES, FIRST_DATA, FIRST_RUN, MainJob
from tests.support.scene import Scene

pytestmark = pytest.mark.cluster
BATCH, GRAMS = 100, 2000.0
"""Rows of a request, and how much heavier the shifted birds are."""
MONITOR: Object = {
    "apiVersion": "modelyard.dev/v1alpha1",
    "kind": "ModelMonitor",
    "metadata": {"name": "watch"},
    "spec": {"deploymentRef": {"name": DEPLOYMENT}, "window": {"length": "10s", "minRows": 100}},
}


def heavier(bird: dict[str, Any]) -> dict[str, Any]:
    grams = bird["body_mass_g"]
    return bird | {"body_mass_g": grams + GRAMS if grams is not None else None}


def test_a_shifted_column_is_named_and_what_was_learned_is_quiet(kube: Kube) -> None:
    job = MainJob(kube)
    job.apply_all()
    job.wait_served(1)
    kube.apply({**MONITOR, "metadata": {"name": "watch", "namespace": kube.namespace}})
    rows = birds(EXAMPLES / FIRST_DATA)

    def watched(population: list[dict[str, Any]]) -> Object:
        """Asks about some birds of the population, and returns the monitor."""
        status, answer = job.infer(random.choices(population, k=BATCH))
        assert status == 200, answer
        monitor = kube.get("modelmonitor", "watch")
        assert monitor is not None
        return monitor

    def quiet(looks: int) -> Object | None:
        monitor = watched(rows)
        state = monitor.get("status") or {}
        assert not state.get("alarms"), state
        stable = condition(monitor, "InputsStable")
        return monitor if stable and stable["status"] == "True" and state["looks"] >= looks else None

    monitor = dict(kube.until("quiet windows", lambda: quiet(4), 180, every=0.3))
    assert monitor["status"]["modelVersion"] == f"{DEPLOYMENT}-v1"
    ready = condition(monitor, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("True", "Watching")
    answers = condition(monitor, "OutputsStable")
    assert answers is not None
    assert answers["status"] == "True", "a trained model has a profile of its answers"
    run = kube.get("trainingrun", FIRST_RUN)
    assert run is not None
    assert monitor["status"]["reference"] == run["status"]["datasetVersion"]

    shifted, since = [heavier(row) for row in rows], datetime.now(UTC)

    def alarm() -> Object | None:
        """Returns the monitor once it has raised an alarm of a window with heavy birds alone: not of one with both."""
        monitor = watched(shifted)
        inputs, window = condition(monitor, "InputsStable"), monitor["status"]["window"]
        return monitor if inputs and inputs["status"] == "False" and parse_time(window["start"]) >= since else None

    monitor = dict(kube.until("an alarm", alarm, 180, every=0.3))
    inputs, column = condition(monitor, "InputsStable"), monitor["status"]["columns"][0]
    assert inputs is not None
    assert inputs["reason"] == "Shifted"
    assert inputs["message"].startswith("body_mass_g: median "), inputs["message"]
    assert "; " not in inputs["message"].split("; look at")[0], "no other input is named"
    assert (column["name"], column["role"], column["proven"]) == ("body_mass_g", "Input", True)
    was, now = (float(column[key].removeprefix("median ")) for key in ("was", "is"))
    assert now > was + GRAMS / 2
    assert "body_mass_g" in Scene(kube).event_note("ModelMonitor", "watch", "Shifted")

    kube.until("the birds are as before", lambda: _is_stable(watched(rows)), 180, every=0.3)


def _is_stable(monitor: Object) -> bool:
    inputs = condition(monitor, "InputsStable")
    return inputs is not None and inputs["status"] == "True"
