"""A sample of a model's answers by the ids of the predictions, so that two versions' answers to the same requests can
be compared though neither server knows of the other.

The id's hash alone decides which answers are kept: at level L those whose hash is below 2^(64 - L). When they are more
than there is room for, the level rises and half of them go (adaptive sampling: Flajolet 1990). So samples of pods and
time windows become one by taking the highest of their levels, and those of two versions have the same ids.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOST = 16_384
"""Answers that a merged sample holds."""
LEVELS = 64
"""The highest level, at which there is room for one hash."""
NUMBERS = 4
"""Numbers kept of an answer: the first ones."""

Kind = Literal["Labels", "Numbers"]
_ANSWERS: dict[Kind, Any] = {"Labels": ("answer", ">u8"), "Numbers": ("answer", "<f4", (NUMBERS,))}
ENTRIES: dict[Kind, np.dtype[Any]] = {kind: np.dtype([("id", ">u8"), answer]) for kind, answer in _ANSWERS.items()}
"""How an entry is written: 64 bits of hash of the id; then as many of the labels, or float32, NaN where there is no
(further) number."""


@dataclass(frozen=True)
class Answers:
    """``entries`` are written by ENTRIES[kind]. An id that came more than once has two of them: which of its answers
    is to be compared with which nobody knows."""

    kind: Kind
    level: int
    entries: bytes


@dataclass(frozen=True)
class Compared:
    """``pairs`` of answers to the same id, of which ``different`` differ. All pairs of ``level`` are there: the pairs
    of one level grow with time, and never change."""

    pairs: int
    different: int
    level: int


def top(level: int) -> int:
    """The greatest hash that is kept at ``level``."""
    return (1 << (LEVELS - level)) - 1


def merge(parts: Sequence[Answers]) -> Answers:
    """Those of pods and time windows as one. Raises ValueError when some have labels and others numbers."""
    if len({part.kind for part in parts}) != 1:
        raise ValueError("samples of labels and of numbers can't be merged")
    kind, level = parts[0].kind, max(part.level for part in parts)
    entries = _entries(Answers(kind, level, b"".join(part.entries for part in parts)), level)
    entries = entries[np.argsort(entries["id"], kind="stable")]
    ids = entries["id"].astype(np.uint64)
    kept = np.ones(len(ids), bool)
    kept[2:] = ids[2:] != ids[:-2]
    entries, ids = entries[kept], ids[kept]
    while len(ids) > MOST:
        level += 1
        ids = ids[: np.searchsorted(ids, np.uint64(top(level)), "right")]
    return Answers(kind, level, entries[: len(ids)].tobytes())


def compare(first: Answers, second: Answers, tolerance: float) -> Compared:
    """The answers to ids that came once to both. Two of them differ when a label does, or a number by more than
    ``tolerance`` times the greater of the two. Raises ValueError when one has labels and the other numbers."""
    if first.kind != second.kind:
        raise ValueError("labels and numbers can't be compared")
    level = max(first.level, second.level)
    one, other = (_once(_entries(part, level)) for part in (first, second))
    _, first_at, second_at = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    mine, others = one[1][first_at], other[1][second_at]
    if first.kind == "Labels":
        different = mine != others
    else:
        different = _apart(mine.astype(np.float64), others.astype(np.float64), tolerance).any(axis=1)
    return Compared(len(different), int(different.sum()), level)


def _entries(part: Answers, level: int) -> NDArray[Any]:
    found = np.frombuffer(part.entries, ENTRIES[part.kind])
    return found[found["id"] <= np.uint64(top(level))]


def _once(entries: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """The ids that have one entry, and their answers."""
    ids, places, counts = np.unique(entries["id"].astype(np.uint64), return_index=True, return_counts=True)
    return ids[counts == 1], entries["answer"][places[counts == 1]]


def _apart(one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    equal = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= tolerance * np.maximum(np.abs(one), np.abs(other))
    apart: NDArray[np.bool_] = ~(equal | (near & np.isfinite(one) & np.isfinite(other)))
    return apart


def written(answers: Answers) -> dict[str, Any]:
    """As JSON has it."""
    entries = base64.b64encode(answers.entries).decode()
    return {"kind": answers.kind, "level": answers.level, "entries": entries}


def read(document: dict[str, Any]) -> Answers:
    """Of the document that ``written`` makes. Raises ValueError, KeyError or TypeError for another."""
    kind, level = document["kind"], document["level"]
    entries = base64.b64decode(document["entries"], validate=True)
    if type(level) is not int or not 0 <= level <= LEVELS or len(entries) % ENTRIES[kind].itemsize:
        raise ValueError("answers that are no sample")
    return Answers(kind, level, entries)
