"""Plays the demo's three acts on real pods, and kills the operator once in each, at the moment that matters."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.demo.acts import ROLLING_OUT, SEARCHING, SHIFTED, Acts
from tests.demo.story import Story
from tests.support.kube import Kube
from tests.support.loop import PIPELINE
from tests.support.scene import kill_operator

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]


def test_the_loop_closes_though_the_operator_is_killed_in_each_act(kube: Kube) -> None:
    moments = []

    def kill(moment: str) -> None:
        kill_operator(kube.cluster)
        moments.append(moment)

    acts = Acts(Story(kube), kill)
    clients = acts.play()
    assert moments == [SEARCHING, ROLLING_OUT, SHIFTED]
    assert not clients.failures, (len(clients.failures), clients.failures[:5])
    assert set(clients.since(0)) == {"1", "2", "3"}

    causes = [run["spec"]["trigger"]["cause"] for run in acts.loop.runs()]
    expected = [("Dataset", "penguins"), ("Dataset", "penguins"), ("ModelMonitor", "species")]
    assert [(cause["kind"], cause["name"]) for cause in causes] == expected
    assert kube.get("pipeline", PIPELINE)["status"]["runs"] == {"running": 0, "succeeded": 3, "failed": 0}
    told = acts.story.told("ModelMonitor/species")
    assert any("body_mass_g" in text for text in told), told

    # Nothing was made twice.
    counts = Counter(str(obj["kind"]) for obj in kube.list("modelyard"))
    for kind in ("PipelineRun", "Sweep", "TrainingRun", "BatchPrediction", "ModelVersion"):
        assert counts[kind] == 3, counts
    versions = Counter(version["spec"]["datasetRef"]["name"] for version in kube.list("datasetversions"))
    assert versions["penguins"] == 2
    assert 1 <= versions["scored"] <= 3
