"""Checks how samples of answers are merged, halved, compared, written and read."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

import numpy as np
import pytest

from modelyard_api.wire import answers
from modelyard_api.wire.answers import ENTRIES, NUMBERS, Answers, Compared, compare, merge, read, top, written


def labels(given: Sequence[tuple[int, int]], level: int = 0) -> Answers:
    """Returns a sample of (hash of the id, hash of the labels)."""
    return Answers("Labels", level, np.array(given, ENTRIES["Labels"]).tobytes())


def numbers(*given: tuple[float, ...]) -> Answers:
    """Returns a sample of the ids 0, 1, ...; numbers that are not given are NaN."""
    entries = [(index, (*values, *[nan] * (NUMBERS - len(values)))) for index, values in enumerate(given)]
    return Answers("Numbers", 0, np.array(entries, ENTRIES["Numbers"]).tobytes())


def ids(sample: Answers) -> list[int]:
    return [int(item) for item in np.frombuffer(sample.entries, ENTRIES[sample.kind])["id"]]


def test_merged_in_any_order_it_is_the_same() -> None:
    parts = [labels([(3, 1), (1, 1)]), labels([]), labels([(2, 7), (2**64 - 1, 5)])]
    assert merge(parts) == merge(parts[::-1]) == merge([merge(parts[:2]), parts[2]])
    assert ids(merge(parts)) == [1, 2, 3, 2**64 - 1]
    with pytest.raises(ValueError, match="can't be merged"):
        merge([labels([]), numbers()])


def test_the_highest_level_is_that_of_all() -> None:
    merged = merge([labels([(1, 1), (top(2), 1), (top(2) + 1, 1), (top(1), 1)], 1), labels([(2, 1)], 2)])
    assert (merged.level, ids(merged)) == (2, [1, 2, top(2)])


def test_it_has_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ids are kept whatever the parts of a merge and their order."""
    monkeypatch.setattr(answers, "MOST", 1000)
    drawn = np.random.default_rng(3).integers(0, 2**64, 20_000, np.uint64).tolist()
    whole = merge([labels([(item, 1) for item in drawn])])
    assert 400 < len(ids(whole)) <= 1000
    assert ids(whole) == sorted(item for item in drawn if item <= top(whole.level))
    parts = [merge([labels([(item, 1) for item in drawn[start::7]])]) for start in range(7)]
    assert merge(parts) == whole
    repeated = labels([(0, 1)] * 5000)
    assert ids(merge([repeated])) == [0, 0], "one id, however often it came, takes two places"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (labels([]), labels([]), Compared(0, 0, 0)),
        (labels([(1, 5), (2, 5), (3, 5)]), labels([(2, 5), (3, 6), (4, 5)]), Compared(2, 1, 0)),
        (labels([(1, 5), (1, 5), (2, 5)]), labels([(1, 5), (2, 5)]), Compared(1, 0, 0)),
        (labels([(1, 5), (2, 5)]), labels([(1, 6), (1, 5), (2, 6)]), Compared(1, 1, 0)),
        (labels([(1, 5), (top(1), 5)], 1), labels([(1, 5), (top(3), 6), (top(3) + 1, 5)], 3), Compared(1, 0, 3)),
        (numbers((100.0,), (100.0,), (-100.0,)), numbers((101.0,), (101.1,), (100.0,)), Compared(3, 2, 0)),
        (numbers((0.0,), (0.0,), (1e-9,)), numbers((-0.0,), (1e-30,), (1.001e-9,)), Compared(3, 1, 0)),
        (numbers((nan,), (nan,), (1.0,)), numbers((nan,), (1.0,), (nan,)), Compared(3, 2, 0)),
        (numbers((inf,), (inf,), (inf,)), numbers((inf,), (-inf,), (1e38,)), Compared(3, 2, 0)),
        (numbers((1.0, 2.0, 3.0, 4.0)), numbers((1.0, 2.0, 3.0, 4.1)), Compared(1, 1, 0)),
        (numbers((1.0, 2.0)), numbers((1.0, 2.0, 3.0)), Compared(1, 1, 0)),
    ],
    ids=["none", "labels", "twice-first", "twice-second", "levels", "numbers", "zero", "nan", "inf", "rows", "fewer"],
)
def test_compared(first: Answers, second: Answers, expected: Compared) -> None:
    assert compare(first, second, 0.01) == compare(second, first, 0.01) == expected


def test_the_tolerance_is_relative() -> None:
    one, other = numbers((1000.0,), (1000.0,)), numbers((1000.0,), (1090.0,))
    assert [compare(one, other, tolerance).different for tolerance in (0.0, 0.08, 0.09, 1.0)] == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="can't be compared"):
        compare(one, labels([]), 0.0)


def test_what_is_written_is_read() -> None:
    for sample in (labels([(1, 2), (2**64 - 1, 2**64 - 1)], 7), numbers((1.5, -2.0)), labels([])):
        assert read(written(sample)) == sample


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Texts"},
        {"kind": "Numbers"},
        {"level": 65},
        {"level": -1},
        {"level": 1.0},
        {"entries": "AAAA"},
        {"entries": "?"},
        {"entries": 7},
    ],
)
def test_what_is_not_read(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read(written(labels([(1, 2)])) | change)
