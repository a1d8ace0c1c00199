"""Checks what a written value means, wherever it is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelyard_models.meaning.booleans import boolean
from modelyard_models.meaning.instants import instant
from modelyard_models.meaning.texts import MISSING, clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [(" a b\t", "a b"), ("\u00a0x\u3000", "x"), ("e\u0301", "\u00e9"), (" NA ", ""), ("na", "na"), ("\u2003", ""),
     ("\u200bx", "\u200bx"), ("🙂", "🙂"), ("", "")],
)  # fmt: skip
def test_a_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text, MISSING) == cleaned
    assert clean(cleaned, MISSING) == cleaned


def test_the_words_of_a_boolean() -> None:
    assert [boolean(word) for word in ("True", "YES", "t", "1.0", "Off", "n", "0")] == [True] * 4 + [False] * 3
    assert [boolean(word) for word in ("", "2", "maybe", "truee")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "format_", "zone", "utc"),
    [
        ("2026-01-02", None, None, "2026-01-02T00:00:00"),
        ("2026-01-02 03:04", None, None, "2026-01-02T03:04:00"),
        ("2026-01-02T03:04:05.123456789Z", None, None, "2026-01-02T03:04:05.123456"),
        ("2026-01-02t03:04:05,5z", None, None, "2026-01-02T03:04:05.500000"),
        ("2026-01-02T03:04:05+0530", None, None, "2026-01-01T21:34:05"),
        ("2026-01-02T03:04:05 -02", None, "Europe/Berlin", "2026-01-02T05:04:05"),
        ("2026-07-02", None, "Europe/Berlin", "2026-07-01T22:00:00"),
        ("2026-03-29 02:30", None, "Europe/Berlin", "2026-03-29T01:30:00"),
        ("2026-10-25 02:30", None, "Europe/Berlin", "2026-10-25T00:30:00"),
        ("24.12.2026 18:00", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-12-24T17:00:00"),
        ("24/12/26 18:00 +0100", "%d/%m/%y %H:%M %z", None, "2026-12-24T17:00:00"),
        ("1767322985", "EpochSeconds", "Europe/Berlin", "2026-01-02T03:03:05"),
        ("1767322985.5", "EpochSeconds", None, "2026-01-02T03:03:05.500000"),
        ("1767322985123", "EpochMilliseconds", None, "2026-01-02T03:03:05.123000"),
        ("1767322985123456789", "EpochNanoseconds", None, "2026-01-02T03:03:05.123456"),
        ("-1", "EpochSeconds", None, "1969-12-31T23:59:59"),
    ],
)
def test_an_instant(text: str, format_: str | None, zone: str | None, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert instant(text, format_, zone) == round(expected.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("2026-02-30", None), ("2026-1-2", None), ("2026-01-02T24:00", None), ("2026-01-02T03:04:60", None),
        ("2026-01-02Z", None), ("\u0662026-01-02", None), ("20260102", None), ("0001-01-01T00:00+02:00", None),
        ("2026-01-02T03:04+01:75", None), ("32.01.2026", "%d.%m.%Y"), ("1e9", "EpochSeconds"), ("", None),
        ("99999999999999", "EpochSeconds"), ("2026-01-02T03:04:05+99:00", None),
    ],
)  # fmt: skip
def test_no_instant(text: str, format_: str | None) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, the message differs
        instant(text, format_)
