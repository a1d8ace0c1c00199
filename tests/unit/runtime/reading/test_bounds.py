"""What is out of all proportion is refused within bounded memory; each runs in a process whose memory is limited."""

from __future__ import annotations

import bz2
import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

READ = """
import resource, sys
from pathlib import Path
import pyarrow.csv, pyarrow.json, pyarrow.parquet
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading import unpack
from tests.unit.runtime.reading.tables import opened
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
before = peak()
unpack.FREE_BYTES = 100 << 20
try:
    print("rows", sum(len(batch.rows) for batch in opened([Path(sys.argv[1])]).batches()))
except UserError as error:
    print(error.reason, error.message)
print("MiB", peak() - before)
"""


def outcome(file: Path) -> tuple[str, int]:
    """Returns what came of reading the file, and how much the process grew by it, in MiB."""
    run = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    text, _, grown = run.stdout.strip().rpartition("\nMiB ")
    return text, int(grown)


def _lines(file: Path, start: bytes, piece: bytes, count: int) -> None:
    with file.open("wb") as out:
        out.write(start)
        for _ in range(count):
            out.write(piece)


MIB = b"x" * (1 << 20)


@pytest.mark.parametrize(
    ("name", "start", "says"),
    [
        ("t.csv", b"a,b\n1,2\n3,", "RowTooLong spec.source: row 3 of 't.csv', or one soon after it,"),
        ("t.csv", b'a,b\n1,2\n3,"', "RowTooLong spec.source: row 3 of 't.csv', or one soon after it,"),
        ("t.csv", b"a,", "RowTooLong spec.source: row 1 of 't.csv'"),
        ("t.jsonl", b'{"a":1}\n{"a":"', "RowTooLong spec.source: 't.jsonl' has a line of more than 16 MiB"),
    ],
)
def test_a_line_of_100_mb(tmp_path: Path, name: str, start: bytes, says: str) -> None:
    _lines(tmp_path / name, start, MIB, 100)
    text, grown = outcome(tmp_path / name)
    assert text.startswith(says), text
    assert grown < 150


def test_a_bomb_of_rows(tmp_path: Path) -> None:
    """What unpacks to less than FREE_BYTES, or to less than MOST_RATIO times as much, is read."""
    piece = gzip.compress(b"1,2\n" * (4 << 20), 9)
    _lines(tmp_path / "t.csv.gz", gzip.compress(b"a,b\n"), piece, 20)
    text, grown = outcome(tmp_path / "t.csv.gz")
    assert text.startswith("UnpacksTooLarge spec.source: 't.csv.gz' unpacks to"), text
    assert grown < 200


def test_a_bomb_without_rows(tmp_path: Path) -> None:
    _lines(tmp_path / "t.csv.bz2", b"", bz2.compress(bytes(50 << 20)), 60)
    text, grown = outcome(tmp_path / "t.csv.bz2")
    assert text.startswith(("RowTooLong", "NotText")), text
    assert grown < 200


def test_a_header_of_a_million_names(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"c," * 1_000_000 + b"c\n" + b"1," * 1_000_000 + b"1\n")
    text, grown = outcome(tmp_path / "t.csv")
    assert "1000001" in text, text
    assert text.startswith("TooManyColumns")
    assert grown < 600


def test_10_000_columns(tmp_path: Path) -> None:
    header = ",".join(f"c{index}" for index in range(10_000)) + "\n"
    _lines(tmp_path / "t.csv", header.encode(), b"1.5," * 9_999 + b"1.5\n", 500)
    text, grown = outcome(tmp_path / "t.csv")
    assert text == "rows 500"
    assert grown < 400


def test_memory_is_flat_for_parquet_of_one_group(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random(3_000_000)
    table = pa.table(dict.fromkeys("abcdefghij", numbers))
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=len(numbers), use_dictionary=False)
    text, grown = outcome(tmp_path / "t.parquet")
    assert text == "rows 3000000"
    assert (tmp_path / "t.parquet").stat().st_size > 200 << 20
    assert grown < 120


def test_memory_is_flat(tmp_path: Path) -> None:
    _lines(tmp_path / "t.csv", b"a,b,c\n", b'1.5,"a text, quoted",2026-03-01\n' * 30_000, 200)
    text, grown = outcome(tmp_path / "t.csv")
    assert text == "rows 6000000"
    assert grown < 150
