"""Every CEL rule of every kind, on the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelyard_api.generate import crd
from modelyard_api.kinds.registry import KINDS
from tests.contract.api import Api
from tests.contract.cases import CREATES, UPDATES, Create, Update
from tests.contract.objects import PLURALS, SPECS, make, merged
from tests.contract.rollout_cases import ROLLOUTS

pytestmark = pytest.mark.cluster


def messages(schema: Any) -> Iterator[str]:
    """The messages of all rules, at any depth."""
    if isinstance(schema, dict):
        for rule in schema.get("x-kubernetes-validations", ()):
            yield rule["message"]
        for child in schema.values():
            yield from messages(child)


def _id(case: Create | Update) -> str:
    return f"{case.kind}: {case.message}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_a_case(kind: str) -> None:
    schema = crd.definition(kind, KINDS[kind])["spec"]["versions"][0]["schema"]
    tested = [case.message for case in (*CREATES, *ROLLOUTS, *UPDATES) if case.kind == kind]
    rules = set(messages(schema))
    assert rules, f"{kind} has no rule: the walk is broken"
    assert [rule for rule in rules if not any(rule.startswith(message) for message in tested)] == []
    assert [message for message in tested if not any(rule.startswith(message) for rule in rules)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_to_start_from_are_accepted(api: Api, kind: str) -> None:
    assert SPECS.keys() == PLURALS.keys() == KINDS.keys()
    answer = api.create(make(kind))
    assert answer.code == 201, answer.message


@pytest.mark.parametrize("case", [*CREATES, *ROLLOUTS], ids=_id)
def test_create(api: Api, case: Create) -> None:
    good = api.create(make(case.kind, case.good, case.good_name))
    assert good.code == 201, good.message
    bad = api.create(make(case.kind, case.bad, case.bad_name))
    assert bad.code == 422, bad.document
    assert case.message in bad.message
    assert len(bad.document["details"]["causes"]) == 1, bad.message


@pytest.mark.parametrize("case", UPDATES, ids=_id)
def test_update(stored: Api, case: Update) -> None:
    obj = make(case.kind, case.old)
    name = obj["metadata"]["name"]
    there = stored.store(obj, case.status)
    for key, value in case.status.items():
        assert there["status"][key] == value
    try:
        for change in case.good:
            answer = stored.patch(case.kind, name, {"spec": change})
            assert answer.code == 200, (change, answer.message)
        for change in case.bad:
            # A patch that changes nothing would pass for the wrong reason.
            assert merged(there["spec"], change) != there["spec"]
            answer = stored.patch(case.kind, name, {"spec": change})
            assert answer.code == 422, (change, answer.document)
            assert case.message in answer.message
    finally:
        stored.release(case.kind, name)
