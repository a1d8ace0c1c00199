from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.apply import refusal_of
from modelyard.engine.compare import holds, likeness, patched
from modelyard.engine.gateway import ApiError
from modelyard.engine.plan import Apply, Delete, Write
from tests.unit.engine.objects import WIDGETS

APPLY = Apply(WIDGETS, {"metadata": {"namespace": "one", "name": "a"}})
DELETE = Delete(WIDGETS, "one", "a", "uid-a")


@pytest.mark.parametrize(
    ("live", "desired", "yes"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({"a": {"b": 1, "default": 2}}, {"a": {"b": 1}}, True),
        ({"a": [{"b": 1, "default": 2}]}, {"a": ({"b": 1},)}, True),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}]}, False),
        ({"a": []}, {"a": {}}, False),
        ({"a": "500m"}, {"a": "0.5"}, False),
    ],
)
def test_holds(live: Any, desired: Any, yes: bool) -> None:
    assert holds(live, desired) is yes


def test_likeness_is_what_others_cannot_change_by_adding() -> None:
    desired = {"metadata": {"labels": {"a": "b"}}, "spec": {"list": [{"cpu": "0.5"}], "gone": 1}}
    live = {
        "metadata": {"labels": {"a": "b"}, "uid": "x"},
        "spec": {"list": [{"cpu": "500m", "default": 1}]},
        "status": {},
    }
    assert likeness(live, desired) == {"metadata": {"labels": {"a": "b"}}, "spec": {"list": [{"cpu": "500m"}]}}
    assert likeness({"spec": {"list": [1, 2]}}, desired) == {"spec": {"list": [1, 2]}}


@pytest.mark.parametrize(
    ("live", "body", "yes"),
    [
        ({"spec": {"suspend": True, "x": 1}}, {"spec": {"suspend": True}}, True),
        ({"spec": {"suspend": True}}, {"spec": {"suspend": False}}, False),
        ({"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": None}}, False),
        ({"metadata": {}}, {"metadata": {"finalizers": None, "annotations": {"a": None}}}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
    ],
)
def test_patched(live: Any, body: Any, yes: bool) -> None:
    assert patched(live, body) is yes


@pytest.mark.parametrize(
    ("write", "code", "message", "reason"),
    [
        (APPLY, 422, "spec.size: must not be negative", "InvalidChild"),
        (APPLY, 403, "exceeded quota: pods=2", "ChildForbidden"),
        (
            APPLY,
            403,
            "unable to create new content in namespace one because it is being terminated",
            "NamespaceTerminating",
        ),
        (APPLY, 409, "the object has been modified", None),
        (APPLY, 503, "later", None),
        (DELETE, 403, "no such right", None),
    ],
)
def test_what_ends_in_a_condition(write: Write, code: int, message: str, reason: str | None) -> None:
    refusal = refusal_of(write, ApiError(code, "Whatever", message))
    assert (refusal and refusal.reason) == reason
    if refusal:
        assert refusal.message == message
