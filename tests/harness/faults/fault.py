"""What a fault is: it is told of all that passes the proxy, and happens at one write, or begins there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.support.proxy import Call, Reply
from tests.support.stream import Stream

if TYPE_CHECKING:
    from tests.harness.faults.play import Ended, Play


class Fault:
    """``at`` is the label of the write that it is meant for."""

    name: ClassVar[str]
    times: ClassVar[dict[str, str]] = {}
    """The operator's times that this fault needs, as its environment variables."""
    most: ClassVar[int] = 0
    """How many points of each scenario are tried, where trying all would take hours; 0: all."""

    late: ClassVar[bool] = False
    """Whether the write arrives when its sender may write no more."""

    def __init__(self, at: str) -> None:
        self.at, self.happened = at, False

    @classmethod
    def points(cls, learnt: Ended) -> list[str]:
        return learnt.writes

    async def before(self, play: Play, call: Call, label: str) -> Reply | None:
        """Called before each write reaches the API server."""
        if label != self.at or self.happened:
            return None
        self.happened = True
        return await self.strike(play, call)

    async def after(self, play: Play, call: Call, label: str) -> None:
        """Called with each write's answer before it reaches the operator."""

    async def read(self, play: Play, call: Call) -> Reply | None:
        """Called before each list, watch and get reaches the API server."""
        return None

    def opened(self, stream: Stream) -> None:
        """Called with each new watch."""

    async def strike(self, play: Play, call: Call) -> Reply | None:
        return None
