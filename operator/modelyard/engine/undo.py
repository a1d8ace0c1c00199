"""Remembers what was undone in which child, so that a fight with another writer costs little and is told rarely."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from modelyard.engine.drift import Drift
from modelyard.engine.ownership import written
from modelyard.engine.plan import Note
from modelyard.engine.resource import Object, Resource

LONGEST_WAIT = 60.0
"""Longest time in seconds between two corrections of a child that somebody changes again and again."""
CALM = 600.0
"""A child that was left alone for this many seconds is corrected at once again."""
RECURRING = 3
"""Number of corrections, without such a pause between them, from which on the Event tells of a fight."""
BURST = 10
"""Number of corrections of a child, of whatever fields, after which any further one waits as well."""
_REMEMBERED = 32
"""Number of different corrections of a child that are remembered."""
_NAMED = 3
"""Number of fields that one Event names."""
Child = tuple[Resource, str]


class Corrections:
    """Counts the corrections of each child: of the same fields by the same manager, and of all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[Child, dict[str, tuple[int, float]]] = {}

    def wait(self, child: Child, drifts: Sequence[Drift]) -> float:
        """Returns the seconds until this may be corrected again, 0 if now."""
        return max(self._wait(child, _identity(drifts), 1), self._wait(child, "", BURST))

    def count(self, child: Child, drifts: Sequence[Drift]) -> int:
        """Counts one more correction, and returns how many of the same there were without a long pause between them."""
        now, counts = self._clock(), self._counts.setdefault(child, {})
        for what in ("", _identity(drifts)):
            count, last = counts.get(what, (0, 0.0))
            counts[what] = (count + 1 if count and now - last < CALM else 1, now)
        # Who changes another field each time must not fill the memory.
        while len(counts) > _REMEMBERED:
            del counts[min(counts.keys() - {""}, key=lambda what: counts[what][1])]
        return counts[_identity(drifts)][0]

    def forget(self, child: Child) -> None:
        self._counts.pop(child, None)

    def _wait(self, child: Child, what: str, free: int) -> float:
        count, last = self._counts.get(child, {}).get(what, (0, 0.0))
        pause = min(LONGEST_WAIT, 2.0 ** min(count - free - 1, 10)) if count > free else 0.0
        return max(0.0, last + pause - self._clock())


def _identity(drifts: Sequence[Drift]) -> str:
    return "; ".join(sorted(f"{written(item.path)} {item.manager}" for item in drifts)) or "unknown"


def adopted_note(child: Object, owner: Object) -> Note:
    """Returns the Event of a child that had lost its owner."""
    name = f"{child['kind']} {child['metadata']['name']}"
    return Note("Adopted", f"{name} had no owner any more, and belongs to this {owner['kind']} now")


def note_of(child: Object, owner: Object, drifts: Sequence[Drift], count: int) -> Note:
    """Returns the Warning for the owner: which fields of which child were set by whom, and what to do instead.

    The text of a fight stays the same, so that its Events are one series, which is extended every five minutes.
    """
    name = f"{child['kind']} {child['metadata']['name']}"
    fields = ", ".join(_described(item) for item in drifts[:_NAMED])
    if len(drifts) > _NAMED:
        fields += f" and {len(drifts) - _NAMED} more"
    remedy = f"{owner['kind']} {owner['metadata']['name']} owns it: change its spec instead"
    if count < RECURRING:
        return Note("DriftCorrected", f"{name}: {fields}; set back, since {remedy}", "Warning")
    again = f"again and again; it is set back at most every {LONGEST_WAIT:.0f} s, and told every 5 minutes"
    return Note("DriftRecurring", f"{name}: {fields}, {again}; stop that writer, since {remedy}", "Warning")


def kept_note(child: Object, drifts: Sequence[Drift]) -> Note:
    """Returns the Warning about additions that the API server does not let go, such as those of a webhook."""
    fields = ", ".join(_described(item) for item in drifts[:_NAMED])
    name = f"{child['kind']} {child['metadata']['name']}"
    return Note("DriftKept", f"{name}: {fields}, and came back when it was removed; stop whatever adds it", "Warning")


def _described(item: Drift) -> str:
    if not item.manager:
        return f"{written(item.path)} was changed or removed by an unknown field manager"
    return f"{written(item.path)} was {'added' if item.added else 'changed'} by {item.manager}"
