"""Checks what is said of a version against the one before: columns that came, went or changed, and shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from modelyard_api.kinds.datasetversion import Change, VersionColumn
from modelyard_api.wire.task import Previous
from modelyard_runtime.tables.versions.before import before
from modelyard_runtime.tables.versions.rules.changes import changes, unexpected
from modelyard_runtime.tables.versions.version import NewVersion, Story
from tests.unit.runtime.memory import STORE, MemoryStore
from tests.unit.runtime.versions.tables import cut, spec_of

LIMIT = {"maxShift": {"value": 0.2}}


def columns(**types: Any) -> list[VersionColumn]:
    return [VersionColumn(name=name, type=type_) for name, type_ in types.items()]


@pytest.mark.parametrize(
    ("now", "was", "found"),
    [
        ({"a": "Float", "b": "Text"}, {"b": "Text", "a": "Float"}, []),
        ({"a": "Float", "b": "Text"}, {"a": "Float"}, [("b", "Added", None, "Text")]),
        ({"a": "Float"}, {"a": "Float", "b": "Text"}, [("b", "Removed", "Text", None)]),
        ({"a": "Category"}, {"a": "Float"}, [("a", "TypeChanged", "Float", "Category")]),
    ],
)
def test_columns_that_came_went_or_changed_are_found(now: Any, was: Any, found: list[Any]) -> None:
    told = [(item.column, item.change, item.was, item.is_) for item in changes(columns(**now), columns(**was))]
    assert told == found


@pytest.mark.parametrize(
    ("change", "spec", "is_broken"),
    [
        (Change(column="a", change="Added", is_="Float"), {}, True),
        (Change(column="a", change="Added", is_="Float"), {"validation": {"columnChanges": "Allow"}}, False),
        (Change(column="a", change="Added", is_="Float"), {"columns": [{"name": "a", "type": "Float"}]}, False),
        (Change(column="a", change="Removed", was="Float"), {}, True),
        (Change(column="a", change="Removed", was="Float"), {"ignore": ["a"]}, False),
        (
            Change(column="a", change="TypeChanged", was="Text", is_="Float"),
            {"columns": [{"name": "a", "type": "Float"}]},
            False,
        ),
    ],
)
def test_a_change_is_a_violation_unless_the_dataset_speaks_of_it(
    change: Change, spec: dict[str, Any], is_broken: bool
) -> None:
    assert bool(unexpected([change], spec_of(**spec))) is is_broken


def read(store: MemoryStore, values: np.ndarray, was: dict[str, Any] | None, **spec: Any) -> dict[str, Any]:
    schema = pa.schema([("x", pa.float64())])
    version = NewVersion(schema, spec_of(**spec))
    try:
        for chunk in cut(pa.RecordBatch.from_arrays([pa.array(values)], schema=schema), 0):
            version.add(chunk)
        known = ("uri", "digest", "columns")
        previous = None if was is None else Previous(name="table-1", **{key: was[key] for key in known})
        return version.end(store, STORE, columns(x="Float"), Story("table", before(store, previous)))
    finally:
        version.close()


@pytest.mark.parametrize(("by", "rows", "is_broken"), [(0.0, 5000, False), (2.0, 5000, True), (2.0, 20, False)])
def test_a_shift_beyond_doubt_rejects_and_one_that_chance_may_explain_does_not(
    by: float, rows: int, is_broken: bool
) -> None:
    rng, store = np.random.default_rng(0), MemoryStore()
    first = read(store, rng.normal(size=5000), None, validation=LIMIT)
    second = read(store, rng.normal(size=rows) + by, first, validation=LIMIT)
    assert second["accepted"] is not is_broken
    assert [item.rule for item in second["violations"]] == (["validation.maxShift 0.2"] if is_broken else [])


def test_the_same_rows_after_another_version_may_be_accepted_and_are_then_another_version() -> None:
    rng, store = np.random.default_rng(0), MemoryStore()
    values = rng.normal(size=5000)
    first = read(store, values - 5, None, validation=LIMIT)
    rejected, accepted = read(store, values, first, validation=LIMIT), read(store, values, None, validation=LIMIT)
    assert (rejected["accepted"], accepted["accepted"]) == (False, True)
    assert rejected["digest"] == accepted["digest"]
    assert rejected["version_id"] != accepted["version_id"]


def test_a_profile_that_is_gone_is_told() -> None:
    store, values = MemoryStore(), np.arange(100.0)
    first = read(store, values, None, validation=LIMIT)
    del store.files[f"{first['uri']}/profile.json"]
    (violation,) = read(store, values + 1, first, validation=LIMIT)["violations"]
    assert "table-1 can't be read" in violation.found
