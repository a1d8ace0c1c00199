"""Plays the demo's three acts on real pods, and kills the operator once in each, at the moment that matters."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.demo.acts import ROLLING_OUT, SEARCHING, SHIFTED, Acts
from tests.demo.story import Story
from tests.support.kube import Kube
from tests.support.loop import PIPELINE, SCORING
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

    def causes(pipeline: str) -> list[tuple[str, str]]:
        found = [run["spec"]["trigger"]["cause"] for run in acts.loop.runs(pipeline)]
        return [(cause["kind"], cause["name"]) for cause in found]

    assert causes(PIPELINE) == [("Dataset", "penguins"), ("Dataset", "penguins"), ("ModelMonitor", "species")]
    assert set(causes(SCORING)) == {("ModelDeployment", "species")}
    told = acts.story.told("ModelMonitor/species")
    assert any("body_mass_g: median" in text for text in told), told

    # Nothing was made twice.
    counts = Counter(str(obj["kind"]) for obj in kube.list("modelyard"))
    for kind in ("Sweep", "TrainingRun", "ModelVersion"):
        assert counts[kind] == 3, counts
    assert counts["BatchPrediction"] == len(acts.loop.runs(SCORING)), counts
    scored = [run["status"]["inputs"]["modelVersion"] for run in kube.list("batchpredictions")]
    assert set(scored) == {"species-v1", "species-v2", "species-v3"}
    versions = Counter(version["spec"]["datasetRef"]["name"] for version in kube.list("datasetversions"))
    assert versions == {"penguins": 2, "scored": 2}, "version 3 learned from the rows of version 2, and answers alike"
    trained = [job for job in kube.list("jobs") if job["metadata"]["labels"].get("modelyard.dev/trainingrun")]
    assert len(trained) == 3
