"""The base class of faults: a fault is called with everything that passes the proxy, and strikes at one write."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.support.proxy import Call, Reply
from tests.support.stream import Stream

if TYPE_CHECKING:
    from tests.harness.faults.play import Ended, Play


class Fault:
    """``at`` is the label of the write at which the fault happens or begins."""

    name: ClassVar[str]
    times: ClassVar[dict[str, str]] = {}
    """The operator's settings of time that this fault needs: environment variable -> value."""
    most: ClassVar[int] = 0
    """How many points of each scenario are tried where all of them would take hours; 0 means all."""

    late: ClassVar[bool] = False
    """Whether the write reaches the API server after its sender has lost the lease."""

    def __init__(self, at: str) -> None:
        self.at, self.happened = at, False

    @classmethod
    def points(cls, learnt: Ended) -> list[str]:
        return learnt.writes

    async def before(self, play: Play, call: Call, label: str) -> Reply | None:
        """Called before each write reaches the API server; a returned reply replaces the server's answer."""
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
