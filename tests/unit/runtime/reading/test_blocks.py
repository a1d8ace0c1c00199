"""Cutting a file at the ends of records: wherever the blocks end, the records are those of Python's csv module."""

from __future__ import annotations

import csv
import io
import random

import pytest

from modelyard_runtime.tables.reading import blocks
from modelyard_runtime.tables.reading.blocks import Cutter, Misquoted, TooLong

PARTS = ["a", "1.5", "", "é", '5" b', '""', '"x"', '"x, y"', '"x\ny"', '"x ""y"""', '"\r\n"', '" "', "' '", '"\n\n"']


def records(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("seed", range(30))
def test_blocks_are_whole_records(monkeypatch: pytest.MonkeyPatch, seed: int, end: str) -> None:
    """The values of half of the files need no search for quotes within values, the others' do."""
    chance = random.Random(seed)
    parts = [part for part in PARTS if seed % 2 or "5" not in part]
    rows = [",".join(chance.choice(parts) for _ in range(3)) for _ in range(40)]
    data = (end.join(rows) + chance.choice(["", end])).encode()
    for size in (1, 2, 3, 7, 50, 10_000):
        monkeypatch.setattr(blocks, "BLOCK", size)
        found = list(Cutter(",", '"').blocks(io.BytesIO(data).read))
        assert b"".join(found) == data
        assert [record for block in found for record in records(block)] == records(data)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_spaces_around_quotes_are_left_out(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(blocks, "BLOCK", size)
    data = b'a, "b,c" , d\n1,"x ""\n , ""y" ,  "2"'
    assert b"".join(Cutter(",", '"').blocks(io.BytesIO(data).read)) == b'a,"b,c", d\n1,"x ""\n , ""y","2"'


@pytest.mark.parametrize(
    ("data", "position", "is_open"),
    [
        (b'1,"x\n2,y\n', 2, True),
        (b'1, "x\n2,y\n', 3, True),
        (b'a,b\n1,"x"y\n2,z\n', 9, False),
        (b'a,b\n1,5" z\n2,"x" y\n', 17, False),
    ],
)
def test_wrong_quotes_are_named(data: bytes, position: int, is_open: bool) -> None:
    with pytest.raises(Misquoted) as caught:
        list(Cutter(",", '"').blocks(io.BytesIO(data).read))
    assert (caught.value.block, caught.value.position, caught.value.is_open) == (data, position, is_open)


@pytest.mark.parametrize("start", [b"", b'"'])
def test_a_record_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1 << 10)
    monkeypatch.setattr(blocks, "MOST_RECORD", 10 << 10)
    source = io.BytesIO(start + b"x" * (1 << 20))
    with pytest.raises(TooLong):
        list(Cutter(",", '"').blocks(source.read))
    assert source.tell() < 13 << 10
