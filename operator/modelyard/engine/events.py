"""Events on objects (events.k8s.io/v1), in the background: a lost one is no harm, a flood of them would be.

An event's name follows from what it says, so the same one said again, even by a restarted operator, is a series of the
first and not a second line in ``kubectl describe``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.plan import Note
from modelyard.engine.resource import EVENTS, Object

CONTROLLER = "modelyard.dev/operator"
REPEAT_AFTER = 300.0
"""Seconds: a series is told to the API server at most that often."""
BURST, REFILL = 25, 12.0
"""Events of one object at once, and seconds until it may have one more."""
PATIENCE = 5.0
"""Seconds that an event waits for objects that wait for a pass: it is for people, they are for what it tells of."""
_REMEMBERED, _PENDING = 4096, 10_000

log = logging.getLogger(__name__)


class _Said(NamedTuple):
    regarding: Object
    """An ObjectReference."""
    note: Note
    at: float
    """Monotonic seconds."""

    @property
    def name(self) -> str:
        """The same for the same words about the same object."""
        words = "\0".join((self.regarding["uid"], self.note.type, self.note.reason, self.note.message))
        return f"{self.regarding['name'][:230]}.{hashlib.sha256(words.encode()).hexdigest()[:16]}"


class Recorder:
    """``busy`` says whether objects wait for a pass."""

    def __init__(self, client: ApiClient, identity: str, busy: Callable[[], bool] = lambda: False) -> None:
        self._client, self._identity, self._busy = client, identity[:128], busy
        self._queue: asyncio.Queue[_Said] = asyncio.Queue(_PENDING)
        self._said: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Event name -> how often it was said, and when that was last told."""
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Uid of an object -> how many events it may still have, and since when."""

    def record(self, obj: Object, notes: Iterable[Note]) -> None:
        """Never waits, never fails."""
        meta = obj["metadata"]
        regarding = {key: meta[key] for key in ("namespace", "name", "uid")}
        regarding |= {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        for note in notes:
            try:
                self._queue.put_nowait(_Said(regarding, note, time.monotonic()))
            except asyncio.QueueFull:
                log.warning("too many events: dropped %s of %s", note.reason, meta["name"])

    async def run(self) -> None:
        """Send for ever what was recorded."""
        while True:
            said = await self._queue.get()
            await self._wait_for_calm(said.at + PATIENCE)
            try:
                await self._send(said)
            except ApiError as error:
                log.info("event %s: %s", said.note.reason, error)
            finally:
                self._queue.task_done()

    async def flush(self, seconds: float) -> None:
        """Wait until all is sent, that long at most; ``run`` must be running."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            log.warning("%d events were not sent", self._queue.qsize())

    async def _wait_for_calm(self, until: float) -> None:
        for _ in range(round((until - time.monotonic()) / 0.1)):
            if not self._busy():
                return
            await asyncio.sleep(0.1)

    async def _send(self, said: _Said) -> None:
        name, regarding = said.name, said.regarding
        count, told = self._said.get(name, (0, 0.0))
        now = time.monotonic()
        due = count == 0 or now - told >= REPEAT_AFTER
        self._said[name] = (count + 1, now if due else told)
        self._said.move_to_end(name)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if not due or not self._affordable(regarding["uid"], now):
            return
        namespace = regarding["namespace"]
        if count == 0:
            try:
                await self._client.create(EVENTS, self._event(said))
                return
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
        series = {"count": max(2, count + 1), "lastObservedTime": _now()}
        try:
            await self._client.patch(EVENTS, namespace, name, {"series": series})
        except ApiError as error:
            if error.code != 404:
                raise
            await self._client.create(EVENTS, self._event(said))  # its hour was over

    def _affordable(self, uid: str, now: float) -> bool:
        left, since = self._budgets.pop(uid, (float(BURST), now))
        left = min(float(BURST), left + (now - since) / REFILL)
        self._budgets[uid] = (max(0.0, left - 1), now)
        if len(self._budgets) > _REMEMBERED:
            self._budgets.popitem(last=False)
        return left >= 1

    def _event(self, said: _Said) -> Object:
        return {
            "metadata": {"name": said.name, "namespace": said.regarding["namespace"]},
            "eventTime": _now(),
            "type": said.note.type,
            "reason": said.note.reason,
            "note": said.note.message[:1024],
            "action": "Reconcile",
            "reportingController": CONTROLLER,
            "reportingInstance": self._identity,
            "regarding": said.regarding,
        }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
