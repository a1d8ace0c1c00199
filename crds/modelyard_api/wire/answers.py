"""A sample of a model's answers, selected by prediction id, so that two versions' answers to the same requests can be
compared although neither server knows of the other.

The id's hash alone decides which answers are kept: at level L those whose hash is below 2^(64 - L). When the sample is
full the level rises, and about half of the answers are dropped (adaptive sampling: Flajolet 1990). So samples of pods
and time windows are merged at the highest of their levels, and the samples of two versions have the same ids.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOST = 16_384
"""Most answers in a merged sample."""
LEVELS = 64
"""The highest level, at which there is room for one hash."""
NUMBERS = 4
"""How many numbers of an answer are kept: the first ones."""

Kind = Literal["Labels", "Numbers"]
_ANSWERS: dict[Kind, Any] = {"Labels": ("answer", ">u8"), "Numbers": ("answer", "<f4", (NUMBERS,))}
ENTRIES: dict[Kind, np.dtype[Any]] = {kind: np.dtype([("id", ">u8"), answer]) for kind, answer in _ANSWERS.items()}
"""The layout of an entry: a 64-bit hash of the id; then a 64-bit hash of the labels, or NUMBERS float32 values, padded
with NaN."""


@dataclass(frozen=True)
class Answers:
    """A sample. ``entries`` has the layout ENTRIES[kind]. An id that came more than once has two entries, and is not
    compared: it is unknown which of its answers belong together."""

    kind: Kind
    level: int
    entries: bytes


@dataclass(frozen=True)
class Compared:
    """A comparison: ``pairs`` is the number of ids with one answer of each version, of which ``different`` differ.

    It has all pairs of ``level``; the pairs of one level grow with time, and never change.
    """

    pairs: int
    different: int
    level: int


def top(level: int) -> int:
    """Returns the greatest hash that is kept at ``level``."""
    return (1 << (LEVELS - level)) - 1


def merge(parts: Sequence[Answers]) -> Answers:
    """Merges the samples of pods and time windows. Raises ValueError if some have labels and others numbers."""
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
    """Compares the answers to the ids that came exactly once to each version.

    Two answers differ if a label differs, or a number by more than ``tolerance`` times the greater of the two. Raises
    ValueError if one sample has labels and the other numbers.
    """
    if first.kind != second.kind:
        raise ValueError("labels and numbers can't be compared")
    level = max(first.level, second.level)
    (first_ids, first_all), (second_ids, second_all) = (_once(_entries(part, level)) for part in (first, second))
    _, first_at, second_at = np.intersect1d(first_ids, second_ids, assume_unique=True, return_indices=True)
    first_answers, second_answers = first_all[first_at], second_all[second_at]
    if first.kind == "Labels":
        different = first_answers != second_answers
    else:
        numbers = first_answers.astype(np.float64), second_answers.astype(np.float64)
        different = _apart(*numbers, tolerance).any(axis=1)
    return Compared(len(different), int(different.sum()), level)


def _entries(part: Answers, level: int) -> NDArray[Any]:
    entries = np.frombuffer(part.entries, ENTRIES[part.kind])
    return entries[entries["id"] <= np.uint64(top(level))]


def _once(entries: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """Returns the ids with exactly one entry, and their answers."""
    ids, places, counts = np.unique(entries["id"].astype(np.uint64), return_index=True, return_counts=True)
    return ids[counts == 1], entries["answer"][places[counts == 1]]


def _apart(first: NDArray[np.float64], second: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        near = np.abs(first - second) <= tolerance * np.maximum(np.abs(first), np.abs(second))
    apart: NDArray[np.bool_] = ~(equal | (near & np.isfinite(first) & np.isfinite(second)))
    return apart


def written(answers: Answers) -> dict[str, Any]:
    """Returns the sample as a JSON document."""
    entries = base64.b64encode(answers.entries).decode()
    return {"kind": answers.kind, "level": answers.level, "entries": entries}


def read(document: dict[str, Any]) -> Answers:
    """Reads a document of ``written``. Raises ValueError, KeyError or TypeError for any other document."""
    kind, level = document["kind"], document["level"]
    entries = base64.b64decode(document["entries"], validate=True)
    if type(level) is not int or not 0 <= level <= LEVELS or len(entries) % ENTRIES[kind].itemsize:
        raise ValueError("answers that are no sample")
    return Answers(kind, level, entries)
