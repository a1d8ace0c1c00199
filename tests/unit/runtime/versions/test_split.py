"""Checks the laws of splits: equal rows on one side, old rows where they were, the share, and what is told."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.versions import sides
from modelyard_runtime.tables.versions.latest import cut_of
from tests.unit.runtime.memory import MemoryStore
from tests.unit.runtime.versions.tables import INSTANT, cut, version_of

FIELDS = {"k": pa.string(), "g": pa.int64(), "x": pa.int64(), "t": INSTANT, "y": pa.string()}


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns, schema=pa.schema([(name, FIELDS[name]) for name in columns]))


def parts(rows: pa.RecordBatch, **spec: Any) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """Returns the training rows, those held out, and the result."""
    store = MemoryStore()
    result = version_of(cut(rows, 3), rows.schema, store=store, target="y", **spec)
    train, test = (pq.read_table(io.BytesIO(store.files[f"{result['uri']}/{part}.parquet"])) for part in PARTS)
    return train, test, result


PARTS = ("train", "test")


def classes(count: int) -> list[str]:
    return ["ab"[index % 2] for index in range(count)]


def rows_of(*tables: pa.Table) -> list[set[tuple[Any, ...]]]:
    return [{tuple(row.values()) for row in table.to_pylist()} for table in tables]


@pytest.mark.parametrize("exact", [100_000, 100])
@pytest.mark.parametrize("strategy", ["Random", "Stratified"])
def test_equal_rows_are_on_one_side(monkeypatch: pytest.MonkeyPatch, exact: int, strategy: str) -> None:
    monkeypatch.setattr(sides, "EXACT", exact)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 500, 3000)
    train, test, result = parts(batch(x=x, y=["ab"[value % 2] for value in x]), split={"strategy": strategy})
    left, right = rows_of(train, test)
    assert not left & right
    assert 0.15 < result["test_rows"] / 3000 < 0.25


def test_rows_of_a_key_are_on_one_side_whatever_class_they_have() -> None:
    rng = np.random.default_rng(1)
    keys = [f"k{value}" for value in rng.integers(0, 400, 3000)]
    rows = batch(k=keys, x=range(3000), y=classes(3000))
    for strategy in ("Random", "Stratified"):
        train, test, _ = parts(rows, key=["k"], split={"strategy": strategy})
        assert not set(train["k"].to_pylist()) & set(test["k"].to_pylist())
        assert 0.18 < len(test) / 3000 < 0.22


def test_rows_that_come_later_leave_old_rows_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "EXACT", 100)
    rows = batch(x=range(3000), y=classes(3000))
    old_train, old_test, _ = parts(rows.slice(0, 1000))
    train, test, _ = parts(rows)
    assert rows_of(old_train)[0] <= rows_of(train)[0]
    assert rows_of(old_test)[0] <= rows_of(test)[0]


def test_while_the_share_is_exact_only_rows_next_to_the_cut_move() -> None:
    rows = batch(x=range(3000), y=classes(3000))
    old_train, old_test, old = parts(rows.slice(0, 2900))
    train, test, result = parts(rows)
    assert (old["test_rows"], result["test_rows"]) == (580, 600)
    moved = (rows_of(old_test)[0] & rows_of(train)[0]) | (rows_of(old_train)[0] & rows_of(test)[0])
    assert len(moved) <= 20


def test_the_shares_of_classes_are_kept_and_a_class_of_one_row_is_trained_on() -> None:
    y = ["rare"] * 20 + ["usual"] * 179 + ["alone"]
    _, test, _ = parts(batch(x=range(200), y=y), split={"strategy": "Stratified", "test": 0.25, "seed": 3})
    held_out = test["y"].to_pylist()
    assert [held_out.count(name) for name in ("rare", "usual", "alone")] == [5, 45, 0]


def test_another_seed_holds_other_rows_out() -> None:
    rows = batch(x=range(200), y=classes(200))
    sets = [frozenset(parts(rows, split={"seed": seed})[1]["x"].to_pylist()) for seed in (0, 1, 0)]
    assert sets[0] == sets[2] != sets[1]


def test_the_latest_rows_are_held_out_and_rows_without_an_instant_are_told() -> None:
    rng = np.random.default_rng(0)
    times = rng.permutation(1000).tolist()
    rows = batch(t=[None if time < 50 else time for time in times], x=range(1000), y=classes(1000))
    train, test, result = parts(rows, timestamp="t", split={"strategy": "Time", "test": 0.3})
    assert len(test) == round(0.3 * 950)
    latest = max(time for time in train["t"].to_pylist() if time is not None)
    assert latest < min(test["t"].to_pylist())
    assert [(doubt.reason, doubt.count) for doubt in result["doubts"]] == [("NoInstant", 50)]


@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["spread", "few", "extreme"])
def test_the_cut_in_time_is_that_of_all_instants_sorted(
    monkeypatch: pytest.MonkeyPatch, share: float, kind: str
) -> None:
    monkeypatch.setattr("modelyard_runtime.tables.versions.latest._AT_ONCE", 10)
    rng = np.random.default_rng(7)
    ends = np.iinfo(np.int64)
    times = {
        "spread": rng.integers(-(10**15), 10**15, 2000),
        "few": rng.integers(0, 5, 2000),
        "extreme": np.array([ends.min, ends.max, 0, 0, 1, ends.min + 1] * 50),
    }[kind]
    cut, count = cut_of(lambda: iter(np.array_split(times, 7)), share)
    assert cut is not None
    assert count == len(times)
    goal = min(max(round(share * count), 1), count - 1)
    held_out = {value: int((times >= value).sum()) for value in np.unique(times)[1:].tolist()}
    assert abs(held_out[cut] - goal) == min(abs(number - goal) for number in held_out.values())


def test_groups_stay_together_and_a_share_that_they_do_not_allow_is_told() -> None:
    rows = batch(g=[index // 100 for index in range(1000)], x=range(1000), y=classes(1000))
    train, test, result = parts(rows, split={"strategy": "Group", "column": "g", "test": 0.2})
    assert not set(train["g"].to_pylist()) & set(test["g"].to_pylist())
    assert (len(test), result["doubts"]) == (200, [])
    halves = batch(g=[index // 500 for index in range(1000)], x=range(1000), y=classes(1000))
    _, test, result = parts(halves, split={"strategy": "Group", "column": "g", "test": 0.2})
    assert len(test) == 500
    assert [doubt.reason for doubt in result["doubts"]] == ["SplitShare"]


def test_equal_rows_and_equal_keys_that_time_divides_are_counted() -> None:
    rows = batch(
        k=[f"k{index % 90}" for index in range(100)],
        t=[1] * 80 + [2] * 20,
        x=[index % 85 for index in range(100)],
        y=classes(100),
    )
    _, _, result = parts(rows, timestamp="t", key=["k"], split={"strategy": "Time"})
    told = {doubt.reason: doubt.count for doubt in result["doubts"]}
    assert told == {"KeyOnBothSides": 10}
    same = batch(t=[1] * 80 + [None] * 20, x=[index % 70 for index in range(100)], y=["a"] * 99 + ["b"])
    group = same.append_column(pa.field("g", pa.int64()), pa.array([0] * 50 + [1] * 50))
    _, _, result = parts(group.select(["g", "x", "y"]), split={"strategy": "Group", "column": "g", "test": 0.5})
    assert "RowsOnBothSides" not in {doubt.reason for doubt in result["doubts"]}, "the group differs"


def test_a_class_that_is_held_out_alone_is_told() -> None:
    rows = batch(t=range(100), x=range(100), y=["a", "b"] * 40 + ["new"] * 20)
    _, _, result = parts(rows, timestamp="t", split={"strategy": "Time"})
    assert [(doubt.reason, doubt.example) for doubt in result["doubts"]] == [("ClassHeldOut", "new")]


@pytest.mark.parametrize(
    ("columns", "spec", "says"),
    [
        ({"x": [1, 2]}, {"split": {"test": 0.1}}, "leaves no row to test on"),
        ({"x": [1, 1, 1, 1]}, {"key": ["x"]}, "leaves no row to test on, since keys are not divided"),
        ({"g": [1, 1, 1, 1]}, {"split": {"strategy": "Group", "column": "g"}}, "since groups are not divided"),
        ({"t": [5, 5, 5, None]}, {"timestamp": "t", "split": {"strategy": "Time"}}, "than two different instants"),
        ({"k": ["a"] * 4}, {"timestamp": "k", "split": {"strategy": "Time"}}, "holds string, no instants; declare it"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused(columns: dict[str, Any], spec: dict[str, Any], says: str) -> None:
    count = len(next(iter(columns.values())))
    with pytest.raises(UserError, match=says) as refused:
        parts(batch(**columns, y=classes(count)), **spec)
    assert refused.value.reason == "InvalidSplit"
