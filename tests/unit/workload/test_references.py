"""Checks that a modelRef resolves to a version, or reports what it waits for or what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.workload import references
from modelyard.workload.conclude import Fails, Waits
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ServedModelRef
from modelyard_api.kinds.modelversion import ModelVersion
from tests.unit.kinds.objects import imported, model

GENERATION = 3
FAILED_GATE = {"name": "good", "metric": "balanced_accuracy", "passed": False, "message": "0.7 is less than 0.8"}


def named(pin: int | None = None, **status: Any) -> ModelKind:
    obj = model(**({"pin": {"version": pin}} if pin else {}))
    obj["metadata"]["generation"] = GENERATION
    return ModelKind.model_validate(obj | {"status": status})


def version(number: int = 1, ready: bool = True, **status: Any) -> ModelVersion:
    condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "Verified", "message": "it is"}
    condition |= {"observedGeneration": 1, "lastTransitionTime": "2026-01-05T12:00:00Z"}
    return ModelVersion.model_validate(imported(number) | {"status": {"conditions": [condition], **status}})


def ref(**spec: Any) -> ServedModelRef:
    return ServedModelRef.model_validate({"name": "species", **spec})


def test_an_alias_or_a_number_leads_to_its_version() -> None:
    both = {1: version(1), 2: version(2)}
    aliased = named(aliases=[{"name": "champion", "version": 2}])
    assert references.model_version(ref(alias="champion"), aliased, both) is both[2]
    assert references.model_version(ref(version=1), aliased, both) is both[1]


@pytest.mark.parametrize(
    ("model_ref", "model_kind", "versions", "reason", "says"),
    [
        (ref(version=1), None, {}, "ModelNotFound", "spec.input.modelRef.name: there is no Model 'species'; apply it"),
        (ref(alias="champion"), named(), {}, "AliasNotSet", "spec.input.modelRef.alias: Model 'species' has no"),
        (ref(version=9), named(), {1: version()}, "VersionNotFound", "has no version 9; it has 1"),
        (ref(version=9), named(), {}, "VersionNotFound", "it has none"),
        (ref(version=1), named(), {1: version(ready=False)}, "VersionNotReady", "species-v1 is not Ready"),
    ],
)
def test_what_may_still_come_is_waited_for(
    model_ref: Any, model_kind: Any, versions: Any, reason: str, says: str
) -> None:
    with pytest.raises(Waits) as waits:
        references.model_version(model_ref, model_kind, versions, "spec.input.modelRef")
    assert waits.value.reason == reason
    assert says in waits.value.message


def test_gates_that_hold_or_a_models_own_choice_let_a_version_pass() -> None:
    refused = version(approved=False, judgedGeneration=GENERATION, gates=[FAILED_GATE])
    references.check_gates(version(approved=True, judgedGeneration=GENERATION), named())
    references.check_gates(refused, named(champion=1))
    references.check_gates(refused, named(pin=1))


@pytest.mark.parametrize("status", [{}, {"approved": True, "judgedGeneration": GENERATION - 1}])
def test_gates_that_were_not_asked_as_they_are_now_are_waited_for(status: Any) -> None:
    with pytest.raises(Waits) as waits:
        references.check_gates(version(**status), named())
    assert waits.value.reason == "VersionNotJudged"


def test_a_gate_that_does_not_hold_is_final_and_named() -> None:
    with pytest.raises(Fails) as fails:
        references.check_gates(version(approved=False, judgedGeneration=GENERATION, gates=[FAILED_GATE]), named())
    assert fails.value.trouble.reason == "VersionNotApproved"
    assert "good: 0.7 is less than 0.8; pin another version" in fails.value.trouble.message
