"""Checks what tools that wait see of suspended objects: no Ready where nothing is ready, and Suspended at once."""

from __future__ import annotations

import pytest

from tests.common.say import CannotRun
from tests.support.kube import Kube, condition
from tests.support.mainjob import MainJob

pytestmark = pytest.mark.cluster


def suspend(kube: Kube, kind: str, name: str, value: bool = True) -> None:
    kube.patch(kind, name, {"spec": {"suspend": value}})
    if value:
        kube.run("wait", "--for=condition=Suspended", f"{kind}/{name}", "--timeout=60s")


def test_what_is_suspended_says_so_and_is_not_taken_for_done(kube: Kube) -> None:
    job = MainJob(kube)
    job.put_data()
    job.apply("dataset.yaml")
    kube.until_condition("dataset", "penguins")
    suspend(kube, "dataset", "penguins")
    kube.until_condition("dataset", "penguins", "Ready", "True", "VersionAccepted")
    for file in ("model.yaml", "trainingrun-2008.yaml"):
        job.apply(file)
    suspend(kube, "trainingrun", "species-2008")
    with pytest.raises(CannotRun, match="timed out"):
        kube.run("wait", "--for=condition=Ready", "trainingrun/species-2008", "--timeout=5s")
    suspend(kube, "trainingrun", "species-2008", False)
    kube.until_condition("trainingrun", "species-2008", seconds=120)  # its Dataset is still suspended
    job.apply("modeldeployment.yaml")
    job.wait_served(1)
    suspend(kube, "modeldeployment", "species")
    assert condition(kube.get("modeldeployment", "species"), "Ready") is None
    kube.until("no serving pod", lambda: not kube.list("pods", "modelyard.dev/modeldeployment=species"), 60)
    suspend(kube, "modeldeployment", "species", False)
    kube.until_condition("modeldeployment", "species", seconds=120)
