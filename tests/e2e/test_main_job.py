"""Runs the main job on real pods, from data to a served prediction and from new data to a newer model: undisturbed, and
with the operator killed at five moments. Both runs end in the same state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.infer import Load, labels, request_of
from tests.support.kube import Kube, condition
from tests.support.mainjob import DATASET, DEPLOYMENT, FIRST_RUN, GENTOO, MODEL, MORE_DATA, SECOND_RUN, MainJob, masked
from tests.support.scene import kill_operator

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]
Disturb = Callable[[str], None]
END_STATES: dict[str, str] = {}


def run_to_the_end(job: MainJob, disturb: Disturb) -> None:
    """Runs the main job from data to version 2 served; calls ``disturb`` with a description at five moments."""
    kube = job.kube
    job.apply_all()
    kube.until("the ingest Job", lambda: kube.list("jobs", "app.kubernetes.io/name=modelyard-ingest"))
    disturb("while data is ingested")
    kube.until_condition("dataset", DATASET)
    kube.until("the training Job", lambda: kube.list("jobs", "app.kubernetes.io/name=modelyard-training"), 60)
    disturb("while the model is trained")
    kube.until("the ModelVersion", lambda: kube.get("modelversion", f"{MODEL}-v1"), 180)
    disturb("as soon as the version is registered")
    kube.run("wait", "--for=condition=Ready", f"trainingrun/{FIRST_RUN}", f"model/{MODEL}", "--timeout=120s")
    kube.until("the serving pods", lambda: kube.list("pods", "app.kubernetes.io/name=modelyard-server"), 120)
    disturb("while the model is rolled out")
    kube.run("wait", "--for=condition=Ready", f"modeldeployment/{DEPLOYMENT}", "--timeout=180s")
    job.wait_served(1)
    status, answer = job.infer([GENTOO])
    assert status == 200, answer
    assert labels(answer) == ["Gentoo"]
    assert answer["model_version"] == "1"

    host, port = job.address()
    path = f"/v2/models/{DEPLOYMENT}/infer"
    with Load(host, port, path, request_of([GENTOO])) as load:
        before = kube.get("dataset", DATASET)["status"]["latest"]
        job.put_data(MORE_DATA)
        kube.until("a new dataset version", lambda: kube.get("dataset", DATASET)["status"].get("latest") != before)
        job.apply("trainingrun-2009.yaml")
        kube.until("the second training Job", lambda: len(kube.list("jobs", "modelyard.dev/trainingrun")) == 2, 60)
        disturb("while the second model is trained")
        kube.run("wait", "--for=condition=Ready", f"trainingrun/{SECOND_RUN}", "--timeout=180s")
        job.wait_served(2)
        kube.until("answers of version 2", lambda: load.answered.get("2", 0) > 20, 30)
    assert load.failures == []
    assert load.answered["1"] > 50


def settled(kube: Kube) -> str:
    """Waits until two states read 2 s apart are equal, and returns that state, masked."""
    states = [masked(kube)]

    def same() -> bool:
        states.append(masked(kube))
        return states[-1] == states[-2]

    kube.until("a settled state", same, 60, every=2)
    return states[-1]


def test_the_main_job(kube: Kube) -> None:
    job = MainJob(kube)
    run_to_the_end(job, lambda moment: None)
    warned = [event["note"] for event in kube.list("events.events.k8s.io") if event["type"] == "Warning"]
    assert not [note for note in warned if "number of expected pods" in note], (
        "the disruption budget counts pods by itself"
    )
    model = kube.get("model", MODEL)
    assert model["status"]["champion"] == 2
    assert [(p["version"], p["by"]) for p in model["status"]["promotions"]] == [(1, "Gates"), (2, "Gates")]
    version = kube.get("modelversion", f"{MODEL}-v2")
    assert version["status"]["metrics"]["balanced_accuracy"] > 0.9
    assert version["spec"]["lineage"]["trainingRun"] == SECOND_RUN
    latest = kube.get("datasetversion", version["spec"]["lineage"]["datasetVersion"])
    assert latest["spec"]["digest"] == version["spec"]["lineage"]["datasetDigest"]
    for kind in ("dataset", "datasetversion", "trainingrun", "model", "modelversion", "modeldeployment"):
        kube.run("wait", "--for=condition=Ready", kind, "--all", "--timeout=30s")
    for obj in kube.list("modelyard"):
        assert condition(obj, "Reconciling") is None, obj
        assert condition(obj, "Stalled") is None, obj
    END_STATES["undisturbed"] = settled(kube)


def test_killing_the_operator_changes_nothing(kube: Kube) -> None:
    moments = []

    def kill(moment: str) -> None:
        kill_operator(kube.cluster)
        moments.append(moment)

    run_to_the_end(MainJob(kube), kill)
    assert len(moments) == 5
    if "undisturbed" not in END_STATES:
        pytest.fail("run this test together with test_the_main_job, whose end state it compares with")
    assert settled(kube) == END_STATES["undisturbed"]
