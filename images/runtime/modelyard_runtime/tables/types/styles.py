"""Recognizes texts that are numbers to a person, though not to a program: other decimals, currencies, units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_SIGN, _END = r"[+\-\u2212]?\s?", r"\Z"
_CURRENCY = r"(?:[$€£¥₹₽₩₺₪฿]|US\$|USD|EUR|GBP|CHF|JPY|INR|CNY|SEK|NOK|DKK|PLN|CZK|CAD|AUD|BRL|R\$|zł|kr\.?|Fr\.?)"
_ANY = r"(?:\d+(?:[.,'\u2019 \u00a0\u202f]\d{3})*(?:[.,]\d+)?|[.,]\d+)"
_CSV = "write spec.source.csv.decimal and thousands, and declare it Float"
_CORRECT = "write plain numbers into the file"


class Style(NamedTuple):
    """How the numbers are written, for a message; and what to do."""

    words: str
    pattern: re.Pattern[str]
    remedy: str


def _style(words: str, pattern: str, remedy: str = _CORRECT) -> Style:
    return Style(words, re.compile(pattern + _END), remedy)


STYLES = (
    _style("numbers with a decimal comma", rf"{_SIGN}\d*,\d+(?:[eE][+-]?\d+)?",
           'write spec.source.csv.decimal: ",", and declare it Float'),
    _style("numbers with ',' between thousands", rf"{_SIGN}\d{{1,3}}(?:,\d{{3}})*(?:\.\d*)?",
           'write spec.source.csv.thousands: ",", and declare it Float'),
    _style("numbers with '.' between thousands and a decimal comma", rf"{_SIGN}\d{{1,3}}(?:\.\d{{3}})*(?:,\d*)?",
           'write spec.source.csv.decimal: "," and thousands: ".", and declare it Float'),
    _style("numbers with blanks or apostrophes between thousands",
           rf"{_SIGN}\d{{1,3}}(?:['\u2019 \u00a0\u202f]\d{{3}})*(?:[.,]\d*)?", _CSV),
    _style("amounts of money", rf"\(?{_SIGN}(?:{_CURRENCY}\s?{_SIGN}{_ANY}|{_ANY}\s?{_CURRENCY})\)?"),
    _style("percentages", rf"{_SIGN}{_ANY}\s?[%‰]"),
    _style("numbers with a sign of comparison", rf"(?:[<>≤≥~≈]=?|ca\.?|approx\.?)\s?{_SIGN}{_ANY}"),
    _style("negative numbers in brackets", rf"\(?{_ANY}\)?"),
    _style("numbers with digits of another script", r"[+\-\u2212\uff0d]?\d+(?:[.,\uff0e]\d+)?"),
    _style("hexadecimal numbers", r"0[xX][0-9a-fA-F]+"),
    _style("numbers with a unit", rf"{_SIGN}{_ANY}\s?[A-Za-zµμ°Ωω²³/%][A-Za-z0-9µμ°Ωω²³/%^*·-]{{0,7}}"),
)  # fmt: skip
"""From the narrowest to the widest. A text that is a plain number fits most of them: so a mix is one style."""
_PLAIN = re.compile(rf"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?{_END}", re.ASCII)
_PADDED = re.compile(rf"[+-]?0\d+{_END}", re.ASCII)
_UNIT = re.compile(rf"{_SIGN}{_ANY}\s?(\D.*){_END}")
SHARE = 0.9
"""The share of texts from which a column is one of numbers in another style."""
_UNITS = 3
"""Most different units of one column."""


def style_of(texts: Iterable[str]) -> Style | None:
    """Returns the style that nearly all of these different texts are numbers of, if they are not plain numbers."""
    several = [text for text in texts if not _PADDED.match(text)]
    others = [text for text in several if not _PLAIN.match(text)]
    if not others or len(several) < 2:
        return None
    for style in STYLES:
        fitting = [text for text in others if style.pattern.match(text)]
        if len(fitting) >= SHARE * len(others):
            return style if style is not STYLES[-1] or _have_few_units(fitting) else None
    return None


def _have_few_units(texts: list[str]) -> bool:
    """Whether the letters after the numbers are a unit: codes such as ``12A`` have many, or each a short one."""
    units = {match[1] for text in texts if (match := _UNIT.match(text))}
    return len(units) <= min(_UNITS, len(texts) // 4)
