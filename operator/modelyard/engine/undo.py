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
_NAMED = 3
"""Number of fields that one Event names."""
Child = tuple[Resource, str]


class Corrections:
    """Counts the corrections of each child, by its uid."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[Child, tuple[int, float]] = {}

    def wait(self, child: Child) -> float:
        """Returns the seconds until the child may be corrected again, 0 if now."""
        count, last = self._counts.get(child, (0, 0.0))
        pause = min(LONGEST_WAIT, 2.0 ** (count - 2)) if count > 1 else 0.0
        return max(0.0, last + pause - self._clock())

    def count(self, child: Child) -> int:
        """Counts one more correction, and returns how many there were without a long pause between them."""
        count, last = self._counts.get(child, (0, 0.0))
        now = self._clock()
        count = count + 1 if count and now - last < CALM else 1
        self._counts[child] = (count, now)
        return count

    def forget(self, child: Child) -> None:
        self._counts.pop(child, None)


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
