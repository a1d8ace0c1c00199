"""Faults with two leaders: the first one is paused until its lease is taken, and resumes in the middle of a write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.faults.fault import Fault
from tests.harness.faults.write_faults import After
from tests.support.proxy import Call, Reply

if TYPE_CHECKING:
    from tests.harness.faults.play import Play


class LateWrite(Fault):
    """The first leader's write reaches the API server while the new leader is at work."""

    name = "two leaders: late write"
    most = 6
    late = True

    async def strike(self, play: Play, call: Call) -> Reply | None:
        await play.change_leader()
        return None


class LateAnswer(After):
    """The first leader's write was carried out; it reads the answer, and goes on, while the new leader is at work."""

    name = "two leaders: late answer"
    most = 6

    async def answered(self, play: Play) -> None:
        await play.change_leader()
