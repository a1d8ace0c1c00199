"""Checks when a file is taken: once nobody writes it any more, as far as its place tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard_api.wire.result import LookResult
from modelyard_runtime.tables.sources import settle
from modelyard_runtime.tables.sources.folder import Folder
from modelyard_runtime.tables.sources.listing import File
from tests.unit.runtime.sources.looks import CSV, Looks


def at(changed: float | None, size: int = 1) -> File:
    return File("t.csv", size, str(changed), changed)


@pytest.mark.parametrize(
    ("file", "before", "now", "moves"),
    [
        (at(90), at(90), 100, False),  # it is ten seconds old
        (at(98), at(98), 100, True),
        (at(98), at(98), 103.5, False),  # it is more than five seconds old by now
        (at(98), at(95), 101, True),  # another than at first
        (at(None), at(None), 104, True),
        (at(None), at(None), 105.5, False),  # no time is told, but it was the same for five seconds
        (at(500), at(500), 105.5, False),  # by a clock that is ahead
        (at(None, 2), at(None, 1), 200, True),
    ],
)
def test_a_file_is_taken_once_it_has_not_changed_for_so_long(file: File, before: File, now: float, moves: bool) -> None:
    assert bool(settle.changing([file], [before], since=100, now=now, settle=5.0)) is moves


class Clock:
    """Time that passes by sleeping; ``happens`` is what is done after each sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.happens: list[Callable[[Clock], None]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.happens:
            self.happens.pop(0)(self)

    def __call__(self) -> float:
        return self.now


def test_a_file_that_grows_is_waited_for_and_then_left(tmp_path: Path) -> None:
    path, clock = tmp_path / "t.csv", Clock()
    path.write_text(CSV)

    def grow(now: Clock) -> None:
        path.write_text(path.read_text() + "1,yes\n")
        os.utime(path, (now.now, now.now))

    grow(clock)
    place = Folder(tmp_path, "t.csv", None)
    clock.happens = [grow, grow]
    files, moving = settle.settled(place, 5.0, clock.sleep, clock)
    assert (moving, files[0].size) == ([], path.stat().st_size)
    assert clock.now == 1015
    grow(clock)
    clock.happens = [grow] * 100
    files, moving = settle.settled(place, 5.0, clock.sleep, clock)
    assert [file.name for file in moving] == ["t.csv"]
    assert clock.now <= 1015 + settle.PATIENCE


def test_what_may_still_be_written_is_told_and_not_read(tmp_path: Path) -> None:
    looks = Looks(tmp_path, volume={"claimName": "c", "path": "in"}, settle="1h")
    (looks.root / "in").mkdir()
    (looks.root / "in" / "a.csv").write_text(CSV)
    result = looks.look()
    assert isinstance(result, LookResult)
    assert (result.reason, "'in/a.csv'" in result.message) == ("NotSettled", True)


def test_a_renamed_file_is_taken_and_its_part_is_not(tmp_path: Path) -> None:
    looks = Looks(tmp_path, volume={"claimName": "c", "path": "in"}, settle="0s")
    (looks.root / "in").mkdir()
    (looks.root / "in" / "a.csv").write_text(CSV)
    (looks.root / "in" / "b.csv.part").write_text(CSV[:40])
    first = looks.read()
    assert first.rows == 30
    assert isinstance(looks.look(first), LookResult)
    (looks.root / "in" / "b.csv.part").write_text(CSV)
    (looks.root / "in" / "b.csv.part").rename(looks.root / "in" / "b.csv")
    assert looks.read(first).rows == 60
