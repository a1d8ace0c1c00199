"""Tables of any values, written in any dialect by Python's csv module, are read as they were."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest

from modelyard_runtime.tables.reading import blocks
from tests.unit.runtime.reading.tables import table

WORDS = [
    *(
        "oak",
        "birch",
        "a b",
        "x, y",
        "p; q",
        "r|s",
        "a\tb",
        "x y z",
        "é",
        "ß",
        "日本",
        "",
        "NA",
        "#1",
        "-",
        "%",
        "=1+1",
    ),
    *('say "hi"', "it's", "two\nlines", "two\r\nlines", '5" pipe', "'quoted'", '"', "'", "''"),
    *("1,5", "12.345", "true", "2026-03-01", "1'000", "1 000"),
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]


def _column(chance: random.Random, rows: int) -> list[str]:
    kind = chance.randrange(5)
    if kind == 0:
        return [str(chance.randrange(10**6)) for _ in range(rows)]
    if kind == 1:
        return [f"{chance.gauss(0, 100):.{chance.randrange(1, 7)}f}" for _ in range(rows)]
    if kind == 2:
        return [f"2026-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}" for _ in range(rows)]
    words = WORDS if kind == 3 else chance.sample(WORDS, 3)
    return [chance.choice(words) for _ in range(rows)]


@pytest.mark.parametrize("seed", range(150))
def test_any_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    width, height = chance.randrange(2, 7), chance.randrange(3, 60)
    columns = [_column(chance, height) for _ in range(width)]
    names = [f"{chance.choice(['size', 'the kind', 'größe', 'a_b', 'x.y'])}{index}" for index in range(width)]
    rows = [list(row) for row in zip(*columns, strict=True) if any(row)]
    out = io.StringIO()
    end = chance.choice(["\n", "\r\n", "\r"])
    # Before "\\r" the csv module does not quote a value for a newline in it.
    quoting = csv.QUOTE_ALL if end == "\r" else chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=chance.choice(",;\t|"), quoting=quoting, lineterminator=end)
    writer.writerows([names, *rows])
    monkeypatch.setattr(blocks, "BLOCK", chance.choice([1 << 10, 1 << 22]))
    found = table(tmp_path, out.getvalue().encode(chance.choice(ENCODINGS)))
    assert found.reading.names == names
    assert found.rows == rows
    assert found.numbers == list(range(2, len(rows) + 2))
