"""Faults around the lists that a restarted operator reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.harness.faults.fault import Fault
from tests.harness.faults.resources import FED, path
from tests.harness.faults.write_faults import answer
from tests.support.proxy import Call, Reply
from tests.support.stream import Stream

if TYPE_CHECKING:
    from tests.harness.faults.play import Ended, Play

AWAY_SECONDS, PAST_SECONDS = 4.0, 3.0


class Away(Fault):
    """The operator is down for ``AWAY_SECONDS``, while people go on editing."""

    name = "down for long"
    most = 4

    async def strike(self, play: Play, call: Call) -> Reply | None:
        await play.crash(AWAY_SECONDS)
        raise ConnectionResetError


class ExpiredPage(Fault):
    """After a crash all lists come in pages of one object, and three times the continue token has expired."""

    name = "list: 410 on continue"
    most = 3

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self._left = 3

    async def strike(self, play: Play, call: Call) -> Reply | None:
        await play.crash()
        raise ConnectionResetError

    async def read(self, play: Play, call: Call) -> Reply | None:
        if call.verb == "list" and call.plural in FED and self.happened:
            call.query["limit"] = "1"
            if self._left and "continue" in call.query:
                self._left -= 1
                return answer(410, "Expired", "the provided continue parameter is too old")
        return None


class FromThePast(Fault):
    """After a crash the operator talks to an API server that lags: its lists are as of an earlier write, and the
    events since then come late. ``at`` is "<write> since <earlier write>", with the labels of both."""

    name = "list: from the past"
    most = 6

    def __init__(self, at: str) -> None:
        label, _, self._since = at.partition(" since ")
        super().__init__(label)
        self._past: dict[str, Any] = {}
        self._ends = float("inf")
        self._streams: list[Stream] = []

    @classmethod
    def points(cls, learnt: Ended) -> list[str]:
        labels = learnt.writes
        return [f"{labels[now]} since {labels[then]}" for now in range(len(labels)) for then in range(now)]

    async def before(self, play: Play, call: Call, label: str) -> Reply | None:
        if label == self._since and not self._past:
            # Assign the complete dict at once, so that no list is served while some are still missing.
            self._past = {plural: await play.site.api("GET", self._as_asked(play, plural)) for plural in FED}
        if not self._past:
            return None
        return await super().before(play, call, label)

    def _as_asked(self, play: Play, plural: str) -> str:
        asked = next(call for call in play.proxy.calls if call.verb == "list" and call.plural == plural)
        selector = asked.query.get("labelSelector")
        return path(plural, play.namespace) + (f"?labelSelector={selector}" if selector else "")

    async def strike(self, play: Play, call: Call) -> Reply | None:
        await play.crash()
        raise ConnectionResetError

    async def read(self, play: Play, call: Call) -> Reply | None:
        loop = asyncio.get_running_loop()
        if not self.happened or call.verb != "list" or call.plural not in FED or loop.time() > self._ends:
            return None
        if self._ends == float("inf"):
            self._ends = loop.time() + PAST_SECONDS
            loop.call_later(PAST_SECONDS, self._catch_up)
        return Reply(200, self._past[call.plural])

    def opened(self, stream: Stream) -> None:
        if self.happened and asyncio.get_running_loop().time() < self._ends:
            stream.hold()
            self._streams.append(stream)

    def _catch_up(self) -> None:
        for stream in self._streams:
            stream.release()
