from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from modelyard.engine.status import difference, refused, without_nulls
from tests.unit.engine.objects import widget

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def merged(target: Any, patch: Any) -> Any:
    """Returns ``target`` after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@pytest.mark.parametrize(
    ("current", "desired", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": {}}, {"a": {}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": False}, {"a": 0}, {}),
    ],
)
def test_difference(current: Any, desired: Any, patch: Any) -> None:
    assert difference(current, desired) == patch
    assert merged(current, patch) == desired


def test_nulls_are_absent_fields() -> None:
    assert without_nulls({"a": None, "b": ({"c": None, "d": 1},), "e": {"f": None}}) == {"b": [{"d": 1}], "e": {}}


def test_a_refused_child_shows_in_the_conditions_and_stays_the_same() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Serving", "message": "", "lastTransitionTime": "then"}
    other = {
        "type": "ChampionAvailable",
        "status": "True",
        "reason": "Yes",
        "message": "",
        "lastTransitionTime": "then",
    }
    obj = widget("a", 1, metadata={"generation": 4}, status={"conditions": [ready, other], "replicas": 2})
    first = refused(obj, None, "InvalidChild", "spec.replicas: must not be negative", NOW)
    by_type = {item["type"]: item for item in first["conditions"]}
    assert by_type["Ready"]["status"] == "False"
    assert by_type["Ready"]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert by_type["Stalled"]["reason"] == "InvalidChild"
    assert by_type["Stalled"]["message"] == "spec.replicas: must not be negative"
    assert by_type["ChampionAvailable"] == other
    assert first["replicas"] == 2
    assert first["observedGeneration"] == 4
    later = refused(
        {**obj, "status": first}, None, "InvalidChild", "spec.replicas: must not be negative", datetime.now(UTC)
    )
    assert later == first
