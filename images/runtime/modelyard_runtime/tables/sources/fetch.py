"""Fetches files to the pod's disk, each as it was at one moment, within bounds of bytes and time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import Changed, Place

MOST_SECONDS = 3600.0
"""Longest time in seconds for all files of a source together."""
TRIES = 3
LONGEST_NAME = 200
"""Bytes of a part of a file's name: file systems take 255."""
_LIMIT = "spec.podTemplate.resources.limits.ephemeral-storage"


class Budget:
    """What may still be fetched."""

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._left, self._clock = most_bytes, most_bytes, clock
        self._end = clock() + MOST_SECONDS

    def check(self, files: list[File]) -> None:
        """Raises UserError if the files are known to be too much."""
        if sum(file.size or 0 for file in files) > self._most:
            raise self._too_much(f"the source's {len(files)} files have {sum(file.size or 0 for file in files)} bytes")

    def take(self, size: int, name: str) -> None:
        """Raises UserError once more bytes, or more time, is taken than is allowed."""
        self._left -= size
        if self._left < 0:
            raise self._too_much(f"{name!r} goes on")
        if self._clock() > self._end:
            message = (
                f"{name!r} has not come to its end within {MOST_SECONDS:.0f} s; name a file that ends, or a nearer one"
            )
            raise UserError("SourceTooSlow", message, "spec.source")

    def give_back(self, size: int) -> None:
        self._left += size

    def _too_much(self, what: str) -> UserError:
        message = f"{what}; a pod takes at most {self._most} bytes, half of its disk. Raise {_LIMIT}, or name less"
        return UserError("SourceTooLarge", message, "spec.source")


def fetch(place: Place, files: list[File], to: Path, budget: Budget) -> list[Path]:
    """Returns the files below the folder ``to``, in their order. Raises UserError and Retriable."""
    for file in files:
        _check_name(file.name)
    budget.check(files)
    if shutil.disk_usage(to).free < sum(file.size or 0 for file in files):
        raise Retriable("DiskFull", f"the node's disk has less space than the source's files; free it, or set {_LIMIT}")
    return [_whole(place, file, to / file.name, budget) for file in files]


def _whole(place: Place, file: File, to: Path, budget: Budget) -> Path:
    """Fetches one file, and again if it has changed meanwhile."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        taken = 0
        try:
            before = place.version(file)
            with to.open("wb") as out:
                for piece in place.read(file):
                    taken += len(piece)
                    budget.take(len(piece), file.name)
                    out.write(piece)
            if place.version(file) == before and file.size in (None, taken):
                say(f"fetched {file.name}: {taken} bytes")
                return to
        except Changed:
            break
        budget.give_back(taken)
        say(f"{file.name} has changed while it was fetched; it is fetched again")
    message = (
        f"spec.source: {file.name!r} changes while it is fetched; it is fetched again. Write it under another name, "
        "and rename it once it is whole"
    )
    raise Retriable("SourceChanging", message)


def _check_name(name: str) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > LONGEST_NAME or "\0" in part for part in parts):
        message = f"{name[:80]!r} can't be the name of a file here; rename it"
        raise UserError("SourceOutside", message, "spec.source")
