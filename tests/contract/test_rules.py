"""Checks every CEL rule of every kind against the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelyard_api.generate import crd
from modelyard_api.kinds.registry import KINDS
from tests.contract.api import Api
from tests.kinds import SAMPLES
from tests.kinds.sample import Create, Sample, Update, merged

pytestmark = pytest.mark.cluster
CREATES = [
    pytest.param(sample, case, id=f"{kind}: {case.message}")
    for kind, sample in SAMPLES.items()
    for case in sample.cases
]
UPDATES = [
    pytest.param(sample, case, id=f"{kind}: {case.message}")
    for kind, sample in SAMPLES.items()
    for case in sample.updates
]


def messages(schema: Any) -> Iterator[str]:
    """Yields the messages of all rules in a schema, at any depth."""
    if isinstance(schema, dict):
        for rule in schema.get("x-kubernetes-validations", ()):
            yield rule["message"]
        for child in schema.values():
            yield from messages(child)


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_a_case(kind: str) -> None:
    schema = crd.definition(kind, KINDS[kind])["spec"]["versions"][0]["schema"]
    tested = [case.message for case in (*SAMPLES[kind].cases, *SAMPLES[kind].updates)]
    rules = set(messages(schema))
    assert rules, f"{kind} has no rule: the walk is broken"
    assert [rule for rule in rules if not any(rule.startswith(message) for message in tested)] == []
    assert [message for message in tested if not any(rule.startswith(message) for rule in rules)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_samples_are_accepted(api: Api, kind: str) -> None:
    answer = api.create(SAMPLES[kind].make())
    assert answer.code == 201, answer.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_with_a_default_may_be_left_out_or_empty(api: Api, kind: str) -> None:
    """The API server checks rules on the default of a block as it stands there, before it fills in those of its fields;
    of one that is written as {}, it checks them afterwards."""
    spec = crd.definition(kind, KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    blocks = [name for name, node in spec["properties"].items() if node["type"] == "object" and "default" in node]
    assert all(name not in spec.get("required", ()) for name in blocks)
    for name in blocks:
        if (kind, name) == ("ModelVersion", "lineage"):
            continue  # a rule asks who imports a model for it
        obj = SAMPLES[kind].make({name: None})
        for case in (obj, obj | {"spec": obj["spec"] | {name: {}}}):
            answer = api.create(case)
            assert answer.code == 201, (name, answer.message)


@pytest.mark.parametrize(("sample", "case"), CREATES)
def test_create(api: Api, sample: Sample, case: Create) -> None:
    good = api.create(sample.make(case.good, case.good_name))
    assert good.code == 201, good.message
    bad = api.create(sample.make(case.bad, case.bad_name))
    assert bad.code == 422, bad.document
    assert case.message in bad.message
    assert len(bad.document["details"]["causes"]) == 1, bad.message


@pytest.mark.parametrize(("sample", "case"), UPDATES)
def test_update(stored: Api, sample: Sample, case: Update) -> None:
    obj = sample.make(case.old)
    kind, name = obj["kind"], obj["metadata"]["name"]
    created = stored.store(obj, case.status)
    for key, value in case.status.items():
        assert created["status"][key] == value
    try:
        for change in case.good:
            answer = stored.patch(kind, name, {"spec": change})
            assert answer.code == 200, (change, answer.message)
        for change in case.bad:
            # A case whose patch changes nothing would be accepted whatever the rule says: it is a mistake in the case.
            assert merged(created["spec"], change) != created["spec"]
            answer = stored.patch(kind, name, {"spec": change})
            assert answer.code == 422, (change, answer.document)
            assert case.message in answer.message
    finally:
        stored.release(kind, name)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"maxBadRows": "$(parameters.bad)", "modelRef": {"name": "m", "version": "$(steps.a.outputs.n)"}}, None),
        ({"maxBadRows": 5}, None),
        ({"maxBadRows": "5"}, "maxBadRows"),
        ({"maxBadRows": "$(parameters.bad)0"}, "maxBadRows"),
        ({"maxBadRows": -1}, "should be greater than or equal to 0"),
        ({"maxBadRows": 1.5}, "maxBadRows"),
        ({"suspend": "$(parameters.suspend)"}, "must be of type boolean"),
    ],
)
def test_a_placeholder_may_stand_for_a_whole_number(api: Api, step: dict[str, Any], says: str | None) -> None:
    spec = {**SAMPLES["BatchPrediction"].make()["spec"], **step}
    answer = api.create(SAMPLES["Pipeline"].make({"steps": [{"name": "score", "batchPrediction": spec}]}))
    assert answer.code == (201 if says is None else 422), answer.message
    assert (says or "") in answer.message
