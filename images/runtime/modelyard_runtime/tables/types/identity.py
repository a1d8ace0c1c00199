"""What a column of words is: categories, free text, or identifiers."""

from __future__ import annotations

import re
from itertools import islice
from statistics import mean

from modelyard_api.fields.columns import ColumnType
from modelyard_runtime.tables.types.dates import TIME_OF_DAY, Dates
from modelyard_runtime.tables.types.styles import style_of
from modelyard_runtime.tables.types.words import Words

_CERTAIN = tuple(
    (words, re.compile(pattern + r"\Z"))
    for words, pattern in (
        ("UUIDs", r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?"),
        ("telephone numbers", r"(?:\+|00)[1-9][\d ()./-]{6,20}\d"),
        ("e-mail addresses", r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
        ("web addresses", r"[a-z][a-z0-9+.-]*://\S+"),
        ("addresses of machines", r"(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}"),
        ("digests", r"(?:sha256:|sha1:|md5:)?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{32}|[0-9A-F]{64})"),
    )
)
_CODE = re.compile(r"(?=.*\d)[^\s]{2,64}\Z")
_NAMED = re.compile(r"(?:.*[^A-Za-z])?(?:id|uuid|guid|key|nr|no|code|ref|sku|ean|isbn|vin|iban)\Z", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:.*[^A-Za-z])?(?:id|uuid|guid)\Z", re.IGNORECASE)
_CODED = re.compile(
    r".*(?:code|zip|plz|ssn|isbn|ean|sku)[0-9]?\Z|(?:.*[^A-Za-z])?(?:id|pin|phone|fax)\Z", re.IGNORECASE
)
_CAMEL = re.compile(r".*[a-z](?:Id|ID|Uuid|UUID)\Z")
_SAMPLE = 2000
ENOUGH, FEW = 20, 10
"""Fewest values from which all being different means something; and from which long texts do."""
_SURE = 50
"""So many values, and nearly all different, and they are no categories, whatever they look like."""
_DISTINCT, _MOST, _ONE_WORD = 0.95, 0.95, 1.2


def type_of(words: Words, name: str) -> ColumnType:
    """Returns what these words are."""
    texts = list(islice(words.counts, _SAMPLE))
    if not texts:
        return "Category"
    if kind_of_identifier(words) or _are_codes(words, texts, name):
        return "Identifier"
    if words.seen >= FEW and words.share > 0.5 and _are_long(texts):
        return "Text"
    if words.seen >= _SURE and words.share >= _DISTINCT and not _are_dates(texts) and style_of(texts) is None:
        return "Text" if mean(len(text.split()) for text in texts) > _ONE_WORD else "Identifier"
    return "Category"


def kind_of_identifier(words: Words) -> str | None:
    """Returns what the words are if nearly all have the form of an identifier that needs no guess, such as a UUID."""
    texts = list(islice(words.counts, _SAMPLE))
    if len(texts) < 2:
        return None
    for description, pattern in _CERTAIN:
        if sum(bool(pattern.match(text)) for text in texts) >= _MOST * len(texts):
            return description
    return None


def is_named_identifier(name: str, numbers: bool = False) -> bool:
    """Whether the name of a column says that it identifies; a name such as ``no`` does so of words alone."""
    return bool((_NUMBERED if numbers else _NAMED).match(name) or _CAMEL.match(name))


def is_named_code(name: str) -> bool:
    """Whether the name of a column says that its numbers are no quantities."""
    return bool(_CODED.match(name) or _CAMEL.match(name))


def _are_codes(words: Words, texts: list[str], name: str) -> bool:
    is_named = is_named_identifier(name)
    if is_named_identifier(name, numbers=True) and len(words.counts) >= ENOUGH:
        return not _are_dates(texts)
    if words.seen < (FEW if is_named else ENOUGH) or words.share < _DISTINCT:
        return False
    if is_named:
        return not _are_dates(texts)
    codes = sum(bool(_CODE.match(text)) for text in texts)
    if codes < _MOST * len(texts) or any(text.isdigit() for text in texts):
        return False
    return not _are_dates(texts) and style_of(texts) is None


def _are_dates(texts: list[str]) -> bool:
    dates = Dates()
    return sum(dates.add(text, 1) or bool(TIME_OF_DAY.fullmatch(text)) for text in texts) > len(texts) / 2


def _are_long(texts: list[str]) -> bool:
    return mean(len(text.split()) for text in texts) >= 4 or mean(map(len, texts)) >= 40
