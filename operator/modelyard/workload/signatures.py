"""Compares the signatures of two versions: requests that fit one must fit the other."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard_api.fields.signature import Input, Signature
from modelyard_api.kinds.modelversion import ModelVersion

LISTED = 5
"""Number of changes that a message names."""
MAX_NAME = 60
"""Longest name of a column or class in a message, in characters."""


def changes(old: Signature, new: Signature) -> str | None:
    """Returns how ``new`` differs from ``old`` in inputs, outputs or classes, or None if it doesn't.

    A class more or less also changes the width of the probabilities, which is not named again.
    """
    same_classes = old.classes == new.classes
    differences = [
        *_fields(
            "input",
            {item.name: _input(item) for item in old.inputs},
            {item.name: _input(item) for item in new.inputs},
        ),
        *_fields(
            "output",
            {item.name: _output(item.datatype, item.shape if same_classes else ()) for item in old.outputs},
            {item.name: _output(item.datatype, item.shape if same_classes else ()) for item in new.outputs},
        ),
        *_names("class", old.classes, new.classes),
    ]
    if not differences:
        return None
    more = [f"and {len(differences) - LISTED} changes more"] if len(differences) > LISTED else []
    return "; ".join([*differences[:LISTED], *more])


def changed(old: ModelVersion, new: ModelVersion) -> str | None:
    """Returns how the signature of version ``new`` differs from that of ``old``; None also if one is not verified."""
    before, after = signature(old), signature(new)
    return changes(before, after) if before and after else None


def signature(version: ModelVersion) -> Signature | None:
    """Returns the verified signature, which stands in the spec or, for an import without one, in the status."""
    return version.spec.signature or version.status.signature


def _fields(word: str, old: dict[str, str], new: dict[str, str]) -> list[str]:
    retyped = [
        f"{word} {_quoted(name)} is {new[name]}, was {old[name]}"
        for name in new
        if name in old and new[name] != old[name]
    ]
    return [*retyped, *_names(word, list(old), list(new), old | new)]


def _names(word: str, old: Sequence[str], new: Sequence[str], types: dict[str, str] | None = None) -> list[str]:
    """Returns the names that came and went, or where the order changed if the names are the same."""

    def named(name: str) -> str:
        return f"{word} {_quoted(name)}" + (f" ({types[name]})" if types else "")

    before, after = set(old), set(new)
    came = [f"{named(name)} is new" for name in new if name not in before]
    gone = [f"{named(name)} is gone" for name in old if name not in after]
    if came or gone or list(old) == list(new):
        return [*came, *gone]
    place = next(index for index, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)
    return [f"the order differs: {word} {place + 1} is {_quoted(new[place])}, was {_quoted(old[place])}"]


def _input(item: Input) -> str:
    """Returns what may be sent: times and booleans are stricter than texts and numbers."""
    if item.type == "Timestamp":
        zone = f", {item.time_zone}" if item.time_zone else ""
        return f"{item.datatype} (Timestamp, {item.format or 'ISO 8601'}{zone})"
    return f"{item.datatype} (Boolean)" if item.type == "Boolean" else item.datatype


def _output(datatype: str, shape: Sequence[int]) -> str:
    return f"{datatype} {list(shape)}" if shape else datatype


def _quoted(name: str) -> str:
    return repr(name if len(name) <= MAX_NAME else name[: MAX_NAME - 3] + "...")
