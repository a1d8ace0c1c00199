"""Emits Events on objects (events.k8s.io/v1) in the background: a lost Event does no harm, a flood of them would.

An Event's name contains a hash of its content, so a repeated one, even after a restart of the operator, extends the
series of the first instead of adding a line to ``kubectl describe``.
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
"""Shortest time in seconds between two updates of a series."""
BURST, REFILL = 25, 12.0
"""Number of Events that one object may have at once, and seconds until it may have one more."""
PATIENCE = 5.0
"""Longest time in seconds that an Event is delayed while objects wait for a pass: their passes go first."""
_REMEMBERED, _PENDING = 4096, 10_000

log = logging.getLogger(__name__)


class _Event(NamedTuple):
    regarding: Object
    """An ObjectReference."""
    note: Note
    at: float
    """Monotonic seconds."""

    @property
    def name(self) -> str:
        """Derives the name from the content and the object, so that equal Events have equal names."""
        content = "\0".join((self.regarding["uid"], self.note.type, self.note.reason, self.note.message))
        return f"{self.regarding['name'][:230]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"


class Recorder:
    """Emits the Events of all passes. ``busy`` says whether objects wait for a pass."""

    def __init__(self, client: ApiClient, identity: str, busy: Callable[[], bool] = lambda: False) -> None:
        self._client, self._identity, self._busy = client, identity[:128], busy
        self._queue: asyncio.Queue[_Event] = asyncio.Queue(_PENDING)
        self._history: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Event name -> (times it was recorded, monotonic seconds when it was last sent)."""
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Uid of an object -> (Events it may still have, monotonic seconds of that count)."""

    def record(self, obj: Object, notes: Iterable[Note]) -> None:
        """Queues an Event for each note. It never waits; Events beyond the queue's size are dropped."""
        meta = obj["metadata"]
        regarding = {key: meta[key] for key in ("namespace", "name", "uid")}
        regarding |= {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        for note in notes:
            try:
                self._queue.put_nowait(_Event(regarding, note, time.monotonic()))
            except asyncio.QueueFull:
                log.warning("too many events: dropped %s of %s", note.reason, meta["name"])

    async def run(self) -> None:
        """Sends the recorded Events until cancelled."""
        while True:
            event = await self._queue.get()
            await self._wait_for_calm(event.at + PATIENCE)
            try:
                await self._send(event)
            except ApiError as error:
                log.info("event %s: %s", event.note.reason, error)
            finally:
                self._queue.task_done()

    async def flush(self, seconds: float) -> None:
        """Waits at most that long until all Events are sent. ``run`` must be running."""
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

    async def _send(self, event: _Event) -> None:
        name, regarding = event.name, event.regarding
        count, last_sent = self._history.get(name, (0, 0.0))
        now = time.monotonic()
        due = count == 0 or now - last_sent >= REPEAT_AFTER
        self._history[name] = (count + 1, now if due else last_sent)
        self._history.move_to_end(name)
        if len(self._history) > _REMEMBERED:
            self._history.popitem(last=False)
        if not due or not self._within_budget(regarding["uid"], now):
            return
        namespace = regarding["namespace"]
        if count == 0:
            try:
                await self._client.create(EVENTS, self._body(event))
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
            await self._client.create(EVENTS, self._body(event))  # the API server drops an Event after an hour

    def _within_budget(self, uid: str, now: float) -> bool:
        """Takes one Event from the object's budget, and returns whether there was one left."""
        budget, since = self._budgets.pop(uid, (float(BURST), now))
        budget = min(float(BURST), budget + (now - since) / REFILL)
        self._budgets[uid] = (max(0.0, budget - 1), now)
        if len(self._budgets) > _REMEMBERED:
            self._budgets.popitem(last=False)
        return budget >= 1

    def _body(self, event: _Event) -> Object:
        return {
            "metadata": {"name": event.name, "namespace": event.regarding["namespace"]},
            "eventTime": _now(),
            "type": event.note.type,
            "reason": event.note.reason,
            "note": event.note.message[:1024],
            "action": "Reconcile",
            "reportingController": CONTROLLER,
            "reportingInstance": self._identity,
            "regarding": event.regarding,
        }


def last_seen(event: Object) -> str:
    """Returns when an Event happened last, as RFC 3339. Clients of the older API fill the deprecated fields."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return str(next(filter(None, times), event["metadata"].get("creationTimestamp", "")))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
