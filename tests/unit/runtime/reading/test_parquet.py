"""The types of Parquet: what is handed on as it is, what becomes plainer, and what is refused by name."""

from __future__ import annotations

import datetime
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.reading.tables import Table, opened, put, read

DAY = datetime.date(2026, 3, 29)
NOON = datetime.datetime(2026, 3, 29, 12)
UUIDS = [UUID(int=1 << 100), None]
STRING, FLOAT = pa.string(), pa.float64()


def kept(folder: Path, table: pa.Table, ignore: tuple[str, ...] = (), **options: Any) -> Table:
    file = folder / "t.parquet"
    pq.write_table(table, file, **options)
    return read(opened([file], ignore))


@pytest.mark.parametrize(
    ("values", "kind", "to", "first"),
    [
        (["é"], pa.large_string(), STRING, "é"),
        (["é"], pa.string_view(), STRING, "é"),
        (["é"], pa.dictionary(pa.int32(), pa.string()), STRING, "é"),
        ([True], pa.bool_(), pa.bool_(), True),
        ([7], pa.uint8(), pa.uint8(), 7),
        ([2**64 - 1], pa.uint64(), pa.uint64(), 2**64 - 1),
        ([1.5], pa.float32(), pa.float32(), 1.5),
        ([np.float16(1.5)], pa.float16(), FLOAT, 1.5),
        ([Decimal("3954.96")], pa.decimal128(18, 2), FLOAT, 3954.96),
        ([Decimal("0.1")], pa.decimal256(50, 20), FLOAT, 0.1),
        ([Decimal("12")], pa.decimal32(9, 0), FLOAT, 12.0),
        ([UUIDS[0].bytes], pa.uuid(), STRING, str(UUIDS[0])),
        (["{}"], pa.json_(), STRING, "{}"),
        ([DAY], pa.date32(), pa.date32(), DAY),
        ([NOON], pa.timestamp("us"), pa.timestamp("us"), NOON),
        ([NOON], pa.timestamp("ms", "UTC"), pa.timestamp("ms", "UTC"), NOON.replace(tzinfo=datetime.UTC)),
        ([datetime.time(12, 30)], pa.time32("ms"), STRING, "12:30:00"),
        ([datetime.time(12, 30, 1, 500_000)], pa.time64("ns"), STRING, "12:30:01.5"),
        ([None], pa.null(), pa.null(), None),
    ],
)
def test_types(tmp_path: Path, values: list[Any], kind: pa.DataType, to: pa.DataType, first: Any) -> None:
    array = pa.array([*values, None], kind)
    found = kept(tmp_path, pa.table({"a": array}))
    assert next(found.reading.batches()).rows.schema.field("a").type == to
    assert (found.rows, found.numbers, found.doubts) == ([[first], [None]], [1, 2], [])
    assert not found.reading.text


def test_types_that_wrap_others(tmp_path: Path) -> None:
    booleans = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8()))
    prices = pa.array([Decimal("1.10"), None, Decimal("1.10")], pa.decimal128(9, 2)).dictionary_encode()
    found = kept(tmp_path, pa.table({"a": booleans, "b": prices}))
    assert found.rows == [[True, 1.1], [None, None], [False, 1.1]]


def test_decimals_are_the_doubles_that_csv_gives(tmp_path: Path) -> None:
    texts = [f"{cents // 100}.{cents % 100:02d}" for cents in range(0, 1_000_000, 7)]
    decimals = pa.array([Decimal(text) for text in texts], pa.decimal128(18, 2))
    found = kept(tmp_path, pa.table({"a": decimals}))
    assert [row[0] for row in found.rows] == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (pa.array([b"x"], pa.binary()), "binary"),
        (pa.array([b"x"], pa.large_binary()), "large_binary"),
        (pa.array([b"x"], pa.binary_view()), "binary_view"),
        (pa.array([b"abc"], pa.binary(3)), "fixed_size_binary[3]"),
        (pa.array([[1]]), "list<"),
        (pa.array([{"x": 1}]), "struct<"),
        (pa.array([[("x", 1)]], pa.map_(pa.string(), pa.int64())), "map<"),
        (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), "fixed_size_list<"),
    ],
)
def test_what_is_no_column_of_a_table(tmp_path: Path, array: pa.Array, shown: str) -> None:
    table = pa.table({"b": [1], "a": array})
    with pytest.raises(UserError, match=r"column 'a' of 't\.parquet' holds") as caught:
        kept(tmp_path, table)
    assert caught.value.reason == "ColumnType"
    assert shown in caught.value.message
    assert kept(tmp_path, table, ignore=("a",)).rows == [[1, None]]


def test_what_is_told(tmp_path: Path) -> None:
    spans = pa.array([datetime.timedelta(minutes=1.5)], pa.duration("ms"))
    found = kept(tmp_path, pa.table({"a": spans, "b": pa.array([UUIDS[0].bytes], pa.binary(16))}))
    assert found.rows == [[90.0, str(UUIDS[0])]]
    assert [(doubt.reason, doubt.column) for doubt in found.doubts] == [("SpansAsSeconds", "a"), ("BytesAsUUID", "b")]


def test_the_index_of_pandas_is_left_out_and_told(tmp_path: Path) -> None:
    found = kept(tmp_path, pa.table({"a": [1, 2], "__index_level_0__": [3, 5]}))
    assert (found.rows, found.reasons()) == ([[1], [2]], ["IndexLeftOut"])


def test_times_of_old_writers_beyond_the_range_of_nanoseconds(tmp_path: Path) -> None:
    far = datetime.datetime(9999, 12, 31)
    table = pa.table({"a": pa.array([far], pa.timestamp("us"))})
    assert kept(tmp_path, table, use_deprecated_int96_timestamps=True).rows == [[far]]


def test_broken_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), tmp_path / "good.parquet", compression="none")
    good = (tmp_path / "good.parquet").read_bytes()
    for data in (
        b"",
        b"a,b\n1,2\n",
        good[:200],
        good[:-8] + b"\xff\xff\xff\x7fPAR1",
        good[:-60] + b"\xff" * 40 + good[-20:],
    ):
        with pytest.raises(UserError) as caught:
            read(opened([put(tmp_path, data, "t.parquet")]))
        assert caught.value.reason == "UnreadableFile"
        assert "'t.parquet'" in caught.value.message
    with pytest.raises(UserError, match=r"'t\.parquet' can't be read"):
        read(opened([put(tmp_path, good[:4] + b"\xff" * 40 + good[44:], "t.parquet")]))


def test_a_packed_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bring it unpacked"):
        opened([put(tmp_path, gzip.compress(b"PAR1"), "t.parquet.gz")])


def test_wide_rows_come_in_small_batches(tmp_path: Path) -> None:
    text = "".join(chr(97 + index % 26) for index in range(100_000))
    table = pa.table({"a": [text[index:] + str(index) for index in range(2000)]})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=False)
    batches = list(opened([tmp_path / "t.parquet"]).batches())
    assert max(batch.rows.nbytes for batch in batches) < 64 << 20
    assert [batch.first_row for batch in batches[1:]] == [batch.first_row + len(batch.rows) for batch in batches[:-1]]
    assert batches[-1].done == (tmp_path / "t.parquet").stat().st_size
