"""Faults at one write: a crash, a lost answer or an error answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.harness.faults.fault import Fault
from tests.support.proxy import Call, Reply

if TYPE_CHECKING:
    from tests.harness.faults.play import Ended, Play

TURNS = 5


class CrashBefore(Fault):
    name = "crash before"

    async def strike(self, play: Play, call: Call) -> Reply | None:
        await play.crash()
        raise ConnectionResetError


class After(Fault):
    """Strikes when the API server has carried out the write and the operator doesn't know it yet."""

    async def after(self, play: Play, call: Call, label: str) -> None:
        if label == self.at:
            await self.answered(play)

    async def answered(self, play: Play) -> None:
        raise ConnectionResetError


class AnswerLost(After):
    name = "answer lost"


class CrashAfter(After):
    name = "crash after"

    async def answered(self, play: Play) -> None:
        await play.crash()
        raise ConnectionResetError


class _Answer(Fault):
    """The API server answers with an error, and doesn't carry out the write."""

    reply: ClassVar[Reply]

    async def strike(self, play: Play, call: Call) -> Reply | None:
        return self.reply


class Passing(_Answer):
    """A passing error. The same code in the operator retries all of them, so each write is tried with one of them."""

    turn: ClassVar[int]

    @classmethod
    def points(cls, learnt: Ended) -> list[str]:
        return learnt.writes[cls.turn :: TURNS]


def answer(code: int, reason: str, message: str, **headers: str) -> Reply:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return Reply(
        code, {**document, "message": message}, {key.replace("_", "-"): value for key, value in headers.items()}
    )


class Conflict(_Answer):
    name = "409"
    reply = answer(409, "Conflict", "the object has been modified; please apply your changes to the latest version")


class TooMany(Passing):
    turn = 0
    name = "429"
    reply = answer(429, "TooManyRequests", "please try again later", Retry_After="1")


class TooManyForLong(Passing):
    """The answer's Retry-After is too long to wait for in the middle of a pass."""

    turn = 1

    name = "429 for long"
    reply = answer(429, "TooManyRequests", "please try again later", Retry_After="6")


class ServerError(Passing):
    turn = 2
    name = "500"
    reply = answer(500, "InternalError", "etcdserver: leader changed")


class Unavailable(Passing):
    turn = 3
    name = "503"
    reply = answer(503, "ServiceUnavailable", "the server is currently unable to handle the request")


class UnavailableForLong(Passing):
    """The error stays until the operator gives up trying this write within the pass."""

    turn = 4
    name = "503 for long"
    reply = Unavailable.reply

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self._left, self._path = 4, ""

    async def before(self, play: Play, call: Call, label: str) -> Reply | None:
        if label == self.at:
            self.happened, self._path = True, call.path
        if call.path != self._path or not self._left:
            return None
        self._left -= 1
        return self.reply
