"""Waits until files are no longer being written: a half-written file is never taken."""

from __future__ import annotations

import time
from collections.abc import Callable

from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import Place

DEFAULT = 5.0
"""Seconds for which a file on a volume has not changed, where ``settle`` doesn't say it."""
PATIENCE = 60.0
"""Longest time in seconds that a pod waits for files; then another one looks again."""


def changing(files: list[File], before: list[File], since: float, now: float, settle: float) -> list[File]:
    """Returns those of ``files`` that may still be written: they have changed less than ``settle`` seconds ago.

    A file that was the same in the list ``before``, at the time ``since``, has not changed from then on, whatever its
    own time says: clocks differ, and some places tell no time at all.
    """
    known, waited = set(before), now - since
    return [file for file in files if not (_is_old(file, now, settle) or (file in known and waited >= settle))]


def settled(
    place: Place,
    settle: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> tuple[list[File], list[File]]:
    """Returns the files of a place, and those of them that are still changing once the patience has ended."""
    files = before = place.files()
    began = since = clock()
    while True:
        now = clock()
        moving = changing(files, before, since, now, settle)
        if not moving or now - began + settle > PATIENCE:
            return files, moving
        say(f"{moving[0].name} may still be written; it is looked at again in {settle:.0f} s")
        sleep(settle)
        before, since, files = files, now, place.files()


def _is_old(file: File, now: float, settle: float) -> bool:
    return file.changed is not None and now - file.changed >= settle
