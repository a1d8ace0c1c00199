"""What may happen to a watch: of one kind, from the moment of one write on."""

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
    """``at`` is for example ``jobs at create jobs first-train-# #1``, or ``all at ...``."""

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
    """Our watches go on after a new list. kopf's don't: the operator ends by itself, and is started again."""

    name = "watch: error 500"

    def harm(self, stream: Stream) -> None:
        stream.error(500)


class CutMidLine(_Watch):
    name = "watch: cut in a line"

    def harm(self, stream: Stream) -> None:
        stream.cut()


class Frozen(_Watch):
    """Half open: nothing comes any more, and nobody says so."""

    name = "watch: frozen"
    times = {"SILENCE_SECONDS": "4"}  # noqa: RUF012

    def harm(self, stream: Stream) -> None:
        stream.hold()


class HeldBack(_Watch):
    """One kind is seen as it was, all others as they are."""

    name = "watch: held back"

    def harm(self, stream: Stream) -> None:
        stream.hold()
        asyncio.get_running_loop().call_later(HELD_SECONDS, stream.release)


class Gap(_Watch):
    """The watch breaks, and what happens until the next one is never told, deletions included.

    Nothing in it says so: only the next list, one every five minutes, can find it.
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
        left = self._ends - asyncio.get_running_loop().time()
        if call.verb != "watch" or left <= 0 or not self.is_meant(call.plural):
            return None
        await asyncio.sleep(left)
        return Reply(200, _ended(410, "Expired"))


def _ended(code: int, reason: str) -> dict[str, Any]:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return {"type": "ERROR", "object": {**status, "message": "too old resource version"}}
