"""An object that no controller has looked at is not healthy, on the real API server and by the real kstatus."""

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
    made = unwatched.create(SAMPLES[kind].make(), "fieldValidation=Strict")
    assert made.code == 201, made.message
    path = unwatched.path(kind, made.document["metadata"]["name"])
    listed = unwatched.send("GET", unwatched.path(kind)).document["items"]
    for obj in (made.document, unwatched.send("GET", path).document, *listed):
        assert obj["status"] == UNSEEN
        assert kstatus.of(obj).status == "InProgress"
    looked = {"observedGeneration": 1, "conditions": [READY]}
    patched = unwatched.patch(kind, made.document["metadata"]["name"], {"status": looked}, "", "status").document
    assert patched["status"] == looked
    assert kstatus.of(patched).status == "Current"
    lost = unwatched.send("PUT", f"{path}/status", patched | {"status": {}}).document
    assert lost["status"] == UNSEEN
    assert kstatus.of(lost).status == "InProgress"
