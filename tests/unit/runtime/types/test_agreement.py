"""Whole columns are read by the rules of one value: texts, numbers and instants."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_models.instants import parse
from modelyard_models.texts import clean, words
from modelyard_runtime.tables.reading.reading import MISSING
from modelyard_runtime.tables.types.convert import Converter
from modelyard_runtime.tables.types.kinds import Kind
from modelyard_runtime.tables.types.texts import Cleaner

TEXTS = st.lists(
    st.text(st.sampled_from(" \t\n\u00a0\u200b\u3000NAnulae\u0301\u00e9o\x1c🙂"), max_size=6) | st.sampled_from(MISSING)
)
DIGITS = st.text(st.sampled_from("0123456789+-.eExXnaif \u2212"), max_size=8)
PIECES = [
    "2026",
    "-",
    "01",
    "02",
    "30",
    "T",
    " ",
    ":",
    "12",
    "Z",
    "+02:00",
    "+0200",
    "+02",
    ".5",
    "0001",
    "99",
    ",123456789",
]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ISO = st.datetimes().map(lambda moment: moment.isoformat()) | st.dates().map(lambda day: day.isoformat())
FORMATS = st.sampled_from(["%d.%m.%Y", "%d/%m/%Y %H:%M", "%Y%m%d", "%m/%d/%y", "EpochSeconds", "EpochMilliseconds"])


@given(TEXTS)
@settings(deadline=None)
def test_texts(texts: list[str]) -> None:
    column, cleaner = pa.array(texts, pa.string()), Cleaner(MISSING)
    cleaned = [clean(text, words(MISSING)) or None for text in texts]
    assert cleaner.clean(column).to_pylist() == cleaned
    each = cleaner.clean_each(column.dictionary_encode())
    assert each.to_pylist() == cleaned
    assert each.dictionary.to_pylist() == list(dict.fromkeys(text for text in cleaned if text))


@given(st.lists(ISO | WRITTEN, max_size=5), st.sampled_from([None, "Europe/Berlin"]))
@settings(deadline=None)
def test_instants_of_iso_8601(texts: list[str], zone: str | None) -> None:
    _check_instants(texts, Kind("Timestamp", None, zone))


@given(FORMATS, st.sampled_from([None, "America/New_York"]), st.data())
@settings(max_examples=200, deadline=None)
def test_instants_of_a_format(format_: str, zone: str | None, data: Any) -> None:
    digits = st.from_regex(
        re.compile(r"[0-3]?\d[./][01]?\d[./](19|20)?\d\d( [0-2]?\d:[0-5]\d)?", re.ASCII), fullmatch=True
    )
    numbers = st.integers(-(10**10), 10**13).map(str)
    written = st.datetimes().map(lambda moment: moment.strftime(format_) if "%" in format_ else "1")
    texts = data.draw(st.lists(digits | numbers | written, max_size=5))
    _check_instants(texts, Kind("Timestamp", format_, zone))


def _check_instants(texts: list[str], kind: Kind) -> None:
    cleaned = [text for text in map(clean, texts, [()] * len(texts)) if text]
    converted = Converter(kind).convert(pa.array(cleaned, pa.string()))
    assert converted.values.cast(pa.int64()).to_pylist() == [_instant(text, kind) for text in cleaned]


def _instant(text: str, kind: Kind) -> int | None:
    try:
        return parse(text, kind.format, kind.zone)
    except (ValueError, OverflowError):
        return None


@given(st.lists(DIGITS, max_size=5), st.booleans())
@settings(deadline=None)
def test_numbers(texts: list[str], lenient: bool) -> None:
    """A column is read as each of its values is: one that is none does not change how the others are read."""
    texts = [text.strip() for text in texts if text.strip()]
    for type_ in ("Integer", "Float"):
        whole = Converter(Kind(type_), lenient=lenient).convert(pa.array(texts, pa.string()))
        alone = [Converter(Kind(type_), lenient=lenient).convert(pa.array([text], pa.string())) for text in texts]
        assert whole.values.to_pylist() == [each.values[0].as_py() for each in alone]
        others = whole.other.to_pylist() if whole.other is not None else [False] * len(texts)
        assert others == [each.other is not None and each.other[0].as_py() for each in alone]
