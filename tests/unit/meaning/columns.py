"""Columns whose values are known, and the many ways in which a file or a request may write each of them."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from modelyard_models.texts import EDGES

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")
"""The words of CSV that count as missing."""
Random = random.Random
Asked = tuple[str, Any]
"""A datatype and a value of a request."""


@dataclass(frozen=True)
class Column:
    """``draw`` returns a value, ``write`` one of its spellings in a file, and ``ask`` one in a request.

    A value is a float, an int, a bool, a text, a ``datetime`` in UTC, or None where it is missing.
    """

    name: str
    type: str
    draw: Callable[[Random], Any]
    write: Callable[[Random, Any], str]
    ask: Callable[[Random, Any], Asked]
    declared: dict[str, Any] | None = None
    """``declared`` is what the Dataset says of the column, if it is not to be inferred."""
    gaps: float = 0.1
    """``gaps`` is the share of missing values."""
    missing: tuple[str, ...] = MISSING
    """``missing`` are the words that count as missing."""
    wild: bool = False
    """``wild``: its numbers are of a size that only trees can bear."""

    def value(self, rng: Random) -> Any:
        return None if rng.random() < self.gaps else self.draw(rng)

    def written(self, rng: Random, value: Any) -> str:
        return padded(rng, rng.choice(self.missing) if value is None else self.write(rng, value))

    def asked(self, rng: Random, value: Any) -> Asked:
        if value is not None:
            return self.ask(rng, value)
        if self.type in ("Category", "Timestamp"):
            return "BYTES", rng.choice([None, padded(rng, rng.choice(self.missing))])
        return "FP32", None


def padded(rng: Random, text: str) -> str:
    """Returns the text, now and then with white space at its ends."""
    if rng.random() < 0.7:
        return text
    # A line's end inside of a cell is another story.
    spaces = [space for space in EDGES if space not in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"]
    return rng.choice(spaces) * rng.randint(0, 2) + text + rng.choice(spaces) * rng.randint(0, 2)


# --- numbers --------------------------------------------------------------------------------------------------------


def _written_number(rng: Random, value: float) -> str:
    text = rng.choice([repr(value), f"{value:.17g}", f"{value:.16e}"])
    return text if text.startswith("-") or rng.random() < 0.8 else f"+{text}"


def _asked_number(rng: Random, value: float) -> Asked:
    return rng.choice(["FP32", "FP64"]), value


FLOATS: list[tuple[bool, Callable[[Random], float]]] = [
    (False, lambda rng: round(rng.gauss(0, 3), rng.randint(1, 6)) + 0.5**20),
    (False, lambda rng: 5_412_345.67 + round(rng.uniform(0, 50), 2)),
    (False, lambda rng: -273.15 + rng.uniform(0, 1e-3)),
    (True, lambda rng: rng.choice([1e-30, -1e-30, 1e30, 3.3e38, -3.3e38, 0.1, 1e-45, -0.25])),
]


def floats(rng: Random, name: str) -> Column:
    wild, draw = rng.choice(FLOATS)
    declared = rng.choice([None, {"type": "Float"}])
    return Column(name, "Float", draw, _written_number, _asked_number, declared, wild=wild)


INTEGERS: list[Callable[[Random], int]] = [
    lambda rng: rng.randint(-5, 5),
    lambda rng: 1_767_225_600_000 + rng.randint(0, 90_000),
    lambda rng: 20_000_000 + rng.randint(0, 400),
    lambda rng: rng.randint(-(2**40), 2**40),
]


def integers(rng: Random, name: str) -> Column:
    draw, fraction = rng.choice(INTEGERS), rng.random() < 0.3

    def write(rng: Random, value: int) -> str:
        return f"{value}.0" if fraction else str(value)

    def ask(rng: Random, value: int) -> Asked:
        return rng.choice([("INT64", value), ("FP64", float(value)), ("FP32", value)])

    return Column(name, "Integer", draw, write, ask, {"type": "Integer"})


WORDS = [("true", "false"), ("True", "False"), ("TRUE", "FALSE")]
DECLARED_WORDS = [*WORDS, ("yes", "no"), ("1", "0"), ("T", "F"), ("on", "off"), ("1.0", "0.0")]


def booleans(rng: Random, name: str) -> Column:
    is_declared = rng.random() < 0.5
    words = [rng.choice(WORDS)] if not is_declared else DECLARED_WORDS

    def write(rng: Random, value: bool) -> str:
        return rng.choice(words)[not value]

    def ask(rng: Random, value: bool) -> Asked:
        as_text = "BYTES", padded(rng, rng.choice(DECLARED_WORDS)[not value])
        return rng.choice([("BOOL", value), ("FP32", value), ("FP32", float(value)), ("INT64", int(value)), as_text])

    declared = {"type": "Boolean"} if is_declared else None
    return Column(name, "Boolean", lambda rng: rng.random() < 0.5, write, ask, declared)


# --- texts ----------------------------------------------------------------------------------------------------------

PLAIN = [
    "oak",
    "Oak",
    "caf\u00e9",
    "na\u00efve",
    "\ud55c\uad6d",
    "Stra\u00dfe",
    "a b",
    "\u1e9b\u0323",
    "\ufb01r",
    "na",
    "x,y",
    'q"t',
]
LIKE_OTHERS = ["007", "NA!", "1e5", "true", "1.5", "2026-01-01", "0", "yes", "-", "?", "1,234.50", "=1+1", "NONE"]


def categories(rng: Random, name: str, words: Sequence[str] = ()) -> Column:
    is_declared = rng.random() < 0.4
    words = words or rng.sample([*PLAIN, *LIKE_OTHERS] if is_declared else PLAIN, rng.randint(2, 6))
    words = [unicodedata.normalize("NFC", word) for word in words]
    declared = {"type": "Category"} if is_declared else None
    return Column(name, "Category", lambda rng: rng.choice(words), _spelled, _asked_text, declared)


def _spelled(rng: Random, value: str) -> str:
    return unicodedata.normalize(rng.choice(["NFC", "NFD"]), value)


def _asked_text(rng: Random, value: str) -> Asked:
    return "BYTES", padded(rng, _spelled(rng, value))


# --- times ----------------------------------------------------------------------------------------------------------

START = datetime(2020, 1, 1, tzinfo=UTC)
ISO_FORMS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
ZONES = [None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
FORMATS = ["%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%Y%m%dT%H%M%S"]


def times(rng: Random, name: str) -> Column:
    form = rng.choice(["date", "iso", "format", "epoch"])
    zone = rng.choice(ZONES) if form in ("format", "iso") else None
    format_ = {"format": rng.choice(FORMATS), "epoch": "EpochMilliseconds"}.get(form)
    step = timedelta(days=1) if form == "date" else timedelta(minutes=7)
    count = rng.choice([300, 90_000])

    def draw(rng: Random) -> datetime:
        moment = START + rng.randint(0, count) * step
        return moment if _is_certain(moment, zone) else moment + timedelta(hours=3)

    def write(rng: Random, value: datetime) -> str:
        if form == "date":
            return f"{value:%Y-%m-%d}"
        return _in_format(value, format_, zone) if format_ else _iso(rng, value, zone)

    def ask(rng: Random, value: datetime) -> Asked:
        if form == "epoch" and rng.random() < 0.5:
            return "INT64", int(value.timestamp() * 1000)
        return "BYTES", padded(rng, rng.choice([write(rng, value), _iso(rng, value, zone)]))

    declared = {"type": "Timestamp"}
    declared |= {"format": format_} if format_ else {}
    declared |= {"timeZone": zone} if zone else {}
    is_declared = form in ("format", "epoch") or zone or rng.random() < 0.5
    return Column(name, "Timestamp", draw, write, ask, declared if is_declared else None)


def _is_certain(moment: datetime, zone: str | None) -> bool:
    """Returns whether clocks showed the local time of this moment once only."""
    if zone is None:
        return True
    local = moment.astimezone(ZoneInfo(zone))
    return local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()


def _in_format(value: datetime, format_: str, zone: str | None) -> str:
    if format_ == "EpochMilliseconds":
        return str(int(value.timestamp() * 1000))
    return value.astimezone(ZoneInfo(zone or "UTC")).strftime(format_)


def _iso(rng: Random, value: datetime, zone: str | None) -> str:
    form = rng.choice(ISO_FORMS)
    match rng.randint(0, 3):
        case 0:
            return value.astimezone(ZoneInfo(zone or "UTC")).strftime(form)
        case 1:
            return value.strftime(form) + "Z"
        case 2:
            return value.strftime(form) + ".000+00:00"
        case _:
            return value.astimezone(timezone(timedelta(hours=rng.randint(-11, 13), minutes=30))).isoformat()


KINDS = (floats, integers, booleans, categories, categories, times, times)


def note(name: str) -> Column:
    """Returns a column of free text, which is never a feature."""

    def draw(rng: Random) -> str:
        return " ".join(rng.choice(PLAIN) for _ in range(rng.randint(4, 9)))

    return Column(name, "Text", draw, _spelled, _asked_text, {"type": "Text"})
