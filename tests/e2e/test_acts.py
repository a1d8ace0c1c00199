"""Plays the three acts of the demo on real pods, and kills the operator once in each, at the moment that matters."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.infer import labels
from tests.support.kube import Kube
from tests.support.loop import PIPELINE, Loop
from tests.support.mainjob import DEPLOYMENT, GENTOO
from tests.support.scene import kill_operator

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]


def test_the_loop_closes_though_the_operator_is_killed_in_each_act(kube: Kube) -> None:
    loop = Loop(kube)
    loop.begin()
    first = loop.run("fresh")
    loop.started(first, "search")
    kill_operator(kube.cluster)  # while the sweep runs
    loop.serves(1)
    loop.succeeded(first)
    status, answer = loop.job.infer([GENTOO])
    assert (status, labels(answer)) == (200, ["Gentoo"])

    with loop.clients() as clients:
        loop.inputs("True")
        loop.a_year_later()
        second = loop.run("fresh", 2)
        kube.until("a candidate", lambda: kube.get("modeldeployment", DEPLOYMENT)["status"].get("candidate"), 240)
        kill_operator(kube.cluster)  # while version 2 is rolled out
        loop.serves(2)
        loop.succeeded(second)

        loop.inputs("True")
        loop.break_the_scale()
        shifted = loop.inputs("False")
        kill_operator(kube.cluster)  # when the shift was found, perhaps before the Pipeline has seen it
        assert "body_mass_g" in shifted["message"]
        third = loop.run("shifted")
        loop.repair_the_scale()
        loop.succeeded(third)
        loop.serves(3)
        loop.inputs("True")
    assert not clients.failures, (len(clients.failures), clients.failures[:5])
    assert {"1", "2", "3"} == set(clients.since(0))

    runs = loop.runs()
    causes = [run["spec"]["trigger"]["cause"] for run in runs]
    assert [(cause["kind"], cause["name"]) for cause in causes] == [
        ("Dataset", "penguins"),
        ("Dataset", "penguins"),
        ("ModelMonitor", "species"),
    ]
    assert kube.get("pipeline", PIPELINE)["status"]["runs"] == {"running": 0, "succeeded": 3, "failed": 0}
    assert_nothing_was_made_twice(kube, loop)


def assert_nothing_was_made_twice(kube: Kube, loop: Loop) -> None:
    counts = loop.counts()
    assert counts["PipelineRun"] == counts["Sweep"] == counts["TrainingRun"] == counts["BatchPrediction"] == 3
    assert counts["ModelVersion"] == 3
    versions = Counter(version["spec"]["datasetRef"]["name"] for version in kube.list("datasetversions"))
    assert versions["penguins"] == 2
    assert 1 <= versions["scored"] <= 3
