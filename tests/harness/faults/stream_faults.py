"""Faults of the watches of one resource or of all, from the moment of one write on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.harness.faults.fault import Fault
from tests.harness.faults.resources import FED
from tests.support.proxy import Call, Reply
from tests.support.stream import Stream

if TYPE_CHECKING:
    from tests.harness.faults.play import Ended, Play

HELD_SECONDS, GAP_SECONDS = 3.0, 6.0
ALL = "all"


class _Watch(Fault):
    """``at`` names the watch and the write: ``jobs at create jobs first-train-# #1``, or ``all at ...``."""

    most = 4

    def __init__(self, at: str) -> None:
        self.plural, _, label = at.partition(" at ")
        super().__init__(label)

    @classmethod
    def points(cls, learnt: Ended) -> list[str]:
        return [f"{plural} at {label}" for label in learnt.writes for plural in (*FED, ALL)]

    def is_meant(self, plural: str) -> bool:
        return self.plural in (plural, ALL)

    async def strike(self, play: Play, call: Call) -> Reply | None:
        for stream in list(play.proxy.streams):
            if self.is_meant(stream.plural):
                self.harm(stream)
        return None

    def harm(self, stream: Stream) -> None:
        raise NotImplementedError


class Expired(_Watch):
    name = "watch: 410"

    def harm(self, stream: Stream) -> None:
        stream.error(410)


class ServerError(_Watch):
    """The operator's own watches go on after a new list; kopf's watches end the operator, which is restarted."""

    name = "watch: error 500"

    def harm(self, stream: Stream) -> None:
        stream.error(500)


class CutMidLine(_Watch):
    name = "watch: cut in a line"

    def harm(self, stream: Stream) -> None:
        stream.cut()


class Frozen(_Watch):
    """The connection is half open: no event comes any more, and no error does either."""

    name = "watch: frozen"
    times = {"SILENCE_SECONDS": "4"}  # noqa: RUF012

    def harm(self, stream: Stream) -> None:
        stream.hold()


class HeldBack(_Watch):
    """The events of one resource come ``HELD_SECONDS`` late, all others in time."""

    name = "watch: held back"

    def harm(self, stream: Stream) -> None:
        stream.hold()
        asyncio.get_running_loop().call_later(HELD_SECONDS, stream.release)


class Gap(_Watch):
    """The watch breaks, and changes until the next watch are never reported, deletions included.

    Nothing in the watch shows the gap: only the next list, one every five minutes, can reveal it.
    """

    name = "watch: gap"
    times = {"RESYNC_SECONDS": "12"}  # noqa: RUF012

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self._ends = 0.0

    def harm(self, stream: Stream) -> None:
        self._ends = asyncio.get_running_loop().time() + GAP_SECONDS
        stream.close()

    async def read(self, play: Play, call: Call) -> Reply | None:
        remaining = self._ends - asyncio.get_running_loop().time()
        if call.verb != "watch" or remaining <= 0 or not self.is_meant(call.plural):
            return None
        await asyncio.sleep(remaining)
        return Reply(200, _error_event(410, "Expired"))


def _error_event(code: int, reason: str) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return {"type": "ERROR", "object": {**status, "message": "too old resource version"}}
