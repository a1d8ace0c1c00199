"""Checks, with the real API server and kstatus, that an object which no controller has handled isn't healthy."""

from __future__ import annotations

import pytest

from modelyard_api.kinds.registry import KINDS
from tests.contract.api import Api
from tests.kinds import SAMPLES
from tests.support.kstatus import Kstatus

pytestmark = pytest.mark.kwok
UNSEEN = {"observedGeneration": -1}
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Serving",
    "message": "as it should be",
    "lastTransitionTime": "2026-01-05T12:00:00Z",
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_in_progress_until_somebody_has_looked(unwatched: Api, kstatus: Kstatus, kind: str) -> None:
    created = unwatched.create(SAMPLES[kind].make(), "fieldValidation=Strict")
    assert created.code == 201, created.message
    path = unwatched.path(kind, created.document["metadata"]["name"])
    listed = unwatched.send("GET", unwatched.path(kind)).document["items"]
    for obj in (created.document, unwatched.send("GET", path).document, *listed):
        assert obj["status"] == UNSEEN
        assert kstatus.of(obj).status == "InProgress"
    handled = {"observedGeneration": 1, "conditions": [READY]}
    patched = unwatched.patch(kind, created.document["metadata"]["name"], {"status": handled}, "", "status").document
    assert patched["status"] == handled
    assert kstatus.of(patched).status == "Current"
    emptied = unwatched.send("PUT", f"{path}/status", patched | {"status": {}}).document
    assert emptied["status"] == UNSEEN
    assert kstatus.of(emptied).status == "InProgress"
