"""Checks that a version depends on the rows alone: not on batches, the order of columns, or the file they came in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.sketches import read
from modelyard_runtime.tables.versions import buckets, groups, sides
from modelyard_runtime.tables.versions.distinct import EXACT, Distinct
from modelyard_runtime.tables.versions.hashes import mixed
from tests.unit.runtime.memory import MemoryStore, run_ingest
from tests.unit.runtime.versions.tables import SCHEMA, cut, table, version_of

SPLITS: list[dict[str, Any]] = [
    {},
    {"target": "y"},
    {"target": "y", "split": {"strategy": "Stratified", "test": 0.3, "seed": 4}},
    {"target": "y", "split": {"strategy": "Group", "column": "i"}},
    {"target": "y", "split": {"strategy": "Time"}, "timestamp": "t"},
    {"target": "y", "key": ["c", "b"]},
]


@pytest.mark.parametrize("spec", SPLITS, ids=lambda spec: spec.get("split", {}).get("strategy", str(list(spec))))
@pytest.mark.parametrize("exact", [1_000_000, 50])
def test_batches_of_any_size_make_the_same_version(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any], exact: int
) -> None:
    """The files are the same byte for byte, also where their row groups are small and much waits on the volume."""
    monkeypatch.setattr(sides, "EXACT", exact)
    monkeypatch.setattr(groups, "MOST_ROWS", 100)
    monkeypatch.setattr(groups, "MOST_BYTES", 6000)
    monkeypatch.setattr(buckets, "_RUN", 64)
    rules = [{"name": "f", "type": "Float", "max": 100_000}, {"name": "i", "type": "Integer", "unique": True}]
    rows, stores, results = table(900, seed=2, values=400_000), [], []
    for seed in range(4):
        stores.append(MemoryStore())
        chunks = cut(rows, seed, pieces=(0, 3, 20, 100)[seed])
        results.append(version_of(chunks, store=stores[-1], columns=rules, **spec))
    assert all(result == results[0] for result in results[1:])
    parquet = [{uri: data for uri, data in store.files.items() if uri.endswith("parquet")} for store in stores]
    assert all(files == parquet[0] for files in parquet[1:])
    assert results[0]["rows"] == 900
    parts = [pq.read_table(io.BytesIO(data)) for data in parquet[0].values()]
    assert sum(map(len, parts)) == 900
    assert len(parts[1]) == results[0]["test_rows"]


def test_what_is_said_of_columns_is_what_the_whole_table_says() -> None:
    rows, store = table(3000, seed=5, values=300), MemoryStore()
    result = version_of(cut(rows, 1, 40), store=store)
    for column in result["columns"]:
        whole = rows.column(column.name)
        assert (column.missing, column.distinct) == (whole.null_count, pc.count_distinct(whole).as_py())
        if column.name in ("f", "i"):
            assert {"min": column.min, "max": column.max} == pc.min_max(whole).as_py()
    sketches = {column.name: column for column in read(store.files[f"{result['uri']}/profile.json"]).columns}
    assert {name: column.missing for name, column in sketches.items()} == {
        name: rows.column(name).null_count for name in SCHEMA.names
    }
    counts = {item["values"]: item["counts"] for item in pc.value_counts(rows.column("y")).to_pylist()}
    assert {item.text: item.count.value for item in sketches["y"].frequent_items()} == counts
    assert abs(sketches["f"].quantile_of([0.5])[0] - pc.quantile(rows.column("f"))[0].as_py()) < 2


def digest(rows: pa.RecordBatch) -> str:
    return str(version_of(cut(rows, 0), rows.schema)["digest"])


def test_the_order_of_columns_does_not_count_and_that_of_rows_does() -> None:
    rows = table(200)
    same = (
        version_of(cut(rows, 0), target="y"),
        version_of(cut(rows.select(SCHEMA.names[::-1]), 0), pa.schema(list(SCHEMA)[::-1]), target="y"),
    )
    assert same[0]["version_id"] == same[1]["version_id"]
    assert same[0]["test_rows"] == same[1]["test_rows"]
    assert digest(rows.take(pa.array(range(199, -1, -1)))) != digest(rows)


@pytest.mark.parametrize("column", SCHEMA.names)
def test_another_value_and_a_missing_one_are_another_digest(column: str) -> None:
    rows = table(50, seed=1)
    index = SCHEMA.get_field_index(column)
    known = [rows.column(index)[row].as_py() for row in range(50)]
    at = next(row for row, value in enumerate(known) if value is not None)
    digests = {digest(rows)}
    for value in (None, next(item for item in known if item not in (None, known[at]))):
        other = pa.array([value if row == at else item for row, item in enumerate(known)], SCHEMA.field(index).type)
        digests.add(digest(rows.set_column(index, SCHEMA.field(index), other)))
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("left", "right"),
    [(["ab", "c"], ["a", "bc"]), (["", None], [None, ""]), ([None, "a"], ["a", None]), (["a\x00"], ["a"])],
)
def test_texts_are_told_apart(left: list[str | None], right: list[str | None]) -> None:
    schema = pa.schema([("c", pa.string())])
    one, other = (pa.RecordBatch.from_arrays([pa.array(side, pa.string())], schema=schema) for side in (left, right))
    assert digest(one) != digest(other)


def test_zero_has_no_sign() -> None:
    schema = pa.schema([("f", pa.float64())])
    one, other = (pa.RecordBatch.from_arrays([pa.array([zero, 1.0])], schema=schema) for zero in (0.0, -0.0))
    assert digest(one) == digest(other)


def test_the_same_table_in_any_file_is_the_same_version(tmp_path: Path) -> None:
    """Numbers may be written in other ways, columns stand elsewhere, and files have other encodings and row groups."""
    whole = pa.table({"n": [1.5, 20.0, None, -3.25] * 10, "i": list(range(40)), "y": ["a", "b"] * 20})
    ids = set()
    for index, (order, options) in enumerate(
        [
            (["n", "i", "y"], {}),
            (["y", "n", "i"], {"row_group_size": 3, "compression": "gzip"}),
            (["i", "y", "n"], {"use_dictionary": False, "data_page_version": "2.0"}),
        ]
    ):
        pq.write_table(whole.select(order), tmp_path / f"{index}.parquet", **options)
        ids.add(run_ingest(tmp_path, f"{index}.parquet", target="y").version_id)
    texts = ["1.50", "2e1", "", "-3.250"]
    lines = [f"{texts[row % 4]},{row:d},{'ab'[row % 2]}" for row in range(40)]
    (tmp_path / "t.csv").write_text("n,i,y\n" + "\n".join(lines))
    (tmp_path / "u.csv").write_text('y,"i",n\r\n' + "\r\n".join(",".join(reversed(line.split(","))) for line in lines))
    ids |= {run_ingest(tmp_path, name, target="y").version_id for name in ("t.csv", "u.csv")}
    assert len(ids) == 1


@pytest.mark.parametrize("count", [0, 1, 100, EXACT, EXACT + 1, 200_000])
def test_distinct_values_are_counted_exactly_while_they_are_few_and_closely_then(count: int) -> None:
    hashes = mixed(np.arange(count, dtype=np.uint64))
    rng, one, other = np.random.default_rng(count), Distinct(), Distinct()
    for part in np.array_split(hashes, 9):
        one.update(part)
    for part in np.array_split(rng.permutation(np.concatenate([hashes, hashes])), 4):
        other.update(part)
    assert one.count() == other.count()
    if count <= EXACT:
        assert (one.count(), one.is_exact) == (count, True)
    else:
        assert abs(one.count() / count - 1) < 0.05
        assert not one.is_exact
