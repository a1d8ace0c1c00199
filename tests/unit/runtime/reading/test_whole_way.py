"""From a file to a version: what the reader knows reaches the version's doubts, and the same rows are one version."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.runtime.memory import run_ingest
from tests.unit.runtime.reading.tables import put

CSV = "size,price,y\n" + "".join(
    f"{index}.5,{index * 7}.{index % 100:02d},{'big' if index % 3 else 'small'}\n" for index in range(1, 60)
)
GERMAN = CSV.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", CSV.replace("\n", "\r\n").encode("utf-16")),
        ("t.csv", GERMAN.encode()),
        ("t.csv", ("sep=;\n" + GERMAN).encode()),
        ("t.tsv", CSV.replace(",", "\t").encode()),
        ("t.csv.gz", gzip.compress(CSV.encode())),
        ("t.csv", ("Sizes and prices\n\n" + CSV).encode()),
        ("t.csv", ("," + "".join(f"{index - 1},{line}\n" for index, line in enumerate(CSV.split()))[3:]).encode()),
    ],
)
def test_the_same_rows_are_the_same_version(tmp_path: Path, name: str, data: bytes) -> None:
    plain = run_ingest(tmp_path, put(tmp_path, CSV, "plain.csv").name, target="y")
    other = run_ingest(tmp_path, put(tmp_path, data, name).name, target="y")
    assert (other.digest, other.rows) == (plain.digest, plain.rows)


def test_decimals_of_parquet_are_the_same_version(tmp_path: Path) -> None:
    plain = run_ingest(tmp_path, put(tmp_path, CSV).name, target="y")
    rows = [line.split(",") for line in CSV.split()[1:]]
    table = pa.table(
        {
            "y": pa.array([row[2] for row in rows]).dictionary_encode(),
            "price": pa.array([Decimal(row[1]) for row in rows], pa.decimal128(18, 2)),
            "size": [float(row[0]) for row in rows],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert run_ingest(tmp_path, "t.parquet", target="y").digest == plain.digest


def test_what_is_ignored_may_be_of_any_type(tmp_path: Path) -> None:
    table = pa.table({"size": [1.5, 2.5, 3.5, 4.5], "y": ["a", "b", "a", "b"], "tags": [["x"]] * 4})
    pq.write_table(table, tmp_path / "t.parquet")
    result = run_ingest(tmp_path, "t.parquet", target="y", ignore=["tags"])
    assert [column.name for column in result.columns] == ["size", "y"]


def test_doubts_of_the_file_are_the_version_s(tmp_path: Path) -> None:
    data = ("Report\n\n" + CSV).replace("big", "groß").encode("latin-1")
    result = run_ingest(tmp_path, put(tmp_path, data).name, target="y")
    assert {"LinesSkipped", "EncodingGuessed"} <= {doubt.reason for doubt in result.doubts}
