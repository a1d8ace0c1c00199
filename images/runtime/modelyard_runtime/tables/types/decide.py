"""Decides what a column of texts is, from what was seen of it: pure functions."""

from __future__ import annotations

from modelyard_runtime.tables.types.dates import ISO_FORMAT, Dates
from modelyard_runtime.tables.types.evidence import Evidence
from modelyard_runtime.tables.types.identity import type_of
from modelyard_runtime.tables.types.kinds import Kind

MOST = 0.9
"""The share of numbers, or of dates, from which the other words are mistakes and not values."""
FEW = 10
"""Most different words that are mistakes."""


def decide(evidence: Evidence, name: str) -> Kind:
    """Returns the narrowest type that holds all values, or nearly all; a column without any is Float."""
    present = evidence.present
    if evidence.boolean and evidence.boolean == present:
        return Kind("Boolean")
    if evidence.number == present or _are_mistakes(evidence, evidence.number, 0):
        return _number(evidence)
    format_, dates = evidence.dates.best()
    if dates and (dates == present or _are_mistakes(evidence, dates, evidence.number)):
        return Kind("Timestamp", None if format_ == ISO_FORMAT else format_)
    if evidence.number > (1 - MOST) * present:
        return Kind("Category")
    return Kind(type_of(evidence.words, name))


def _number(evidence: Evidence) -> Kind:
    if evidence.present == 0 or evidence.whole < evidence.number or evidence.is_too_large:
        return Kind("Float")
    return Kind("Integer")


def _are_mistakes(evidence: Evidence, fitting: int, numbers: int) -> bool:
    """Whether the values that don't fit are few words, ``numbers`` among them: codes with leading zeros are none, they
    are of another type."""
    others = evidence.present - fitting
    if fitting < MOST * evidence.present or evidence.padded:
        return False
    if evidence.words.is_full:
        return False
    words = evidence.words.counts if evidence.dates.count == 0 else _no_dates(evidence)
    return len(words) + numbers <= min(FEW, max(1, others))


def _no_dates(evidence: Evidence) -> list[str]:
    return [text for text in evidence.words.counts if not Dates().add(text, 1)]
