"""One pass of one object: observe, decide (reading what it still needs), write, and last one status write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from modelyard.engine import logs
from modelyard.engine.apply import Applier, Refusal
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.events import Recorder
from modelyard.engine.metrics import Metrics
from modelyard.engine.plan import Controller, Facts, Missing, Need, Note, Plan
from modelyard.engine.queue import Queue
from modelyard.engine.reads import Reads
from modelyard.engine.resource import Key, Object
from modelyard.engine.status import difference, refused, without_nulls
from modelyard.engine.store import Store

MAX_ROUNDS = 8
"""How often ``decide`` may ask for more before it is called a mistake."""
SOONEST = 1.0
"""Seconds: a plan's ``after`` never comes sooner."""

log = logging.getLogger(__name__)


class Reconciler:
    def __init__(
        self,
        controllers: Iterable[Controller],
        store: Store,
        client: ApiClient,
        reads: Reads,
        queue: Queue,
        recorder: Recorder,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._controllers = {controller.resource: controller for controller in controllers}
        self._store, self._client, self._reads, self._queue = store, client, reads, queue
        self._recorder, self._metrics, self._now = recorder, metrics, now
        fed = {one for each in self._controllers.values() for one in (each.resource, *each.watches)}
        self._applier = Applier(store, client, fed)
        self._writing: dict[Key, int] = {}
        """How many passes in a row wrote something."""
        self._odd: dict[Key, tuple[Object, Object]] = {}
        """(Status as wanted, as the API server made it), where these differ: else it would be written for ever."""

    async def work(self) -> None:
        """One worker: pass after pass until the queue is closed."""
        while (key := await self._queue.take()) is not None:
            with logs.about(key):
                started = time.monotonic()
                try:
                    await self._guarded(key)
                finally:
                    self._metrics.reconcile_seconds.labels(key.resource.kind).observe(time.monotonic() - started)
                    self._queue.done(key)

    async def _guarded(self, key: Key) -> None:
        try:
            await self.run(key)
        except ApiError as error:
            delay = self._queue.failed(key, error.retry_after)
            # Somebody was quicker: no error, the next pass sees what they wrote.
            level = logging.INFO if error.code == 409 else logging.WARNING
            if error.code != 409:
                self._metrics.reconcile_errors.labels(key.resource.kind).inc()
            log.log(level, "pass ended early, again in %.1f s: %s", delay, error)
        except Exception:
            self._metrics.reconcile_errors.labels(key.resource.kind).inc()
            delay = self._queue.failed(key)
            log.exception("pass failed, again in %.1f s", delay)
        else:
            self._queue.succeeded(key)

    async def run(self, key: Key) -> None:
        """One pass. Raises ApiError, or whatever the controller raises."""
        controller = self._controllers[key.resource]
        obj = self._store.get(key.resource, key.namespace, key.name)
        view = controller.observe(self._store, key) if obj is not None else None
        if obj is None or view is None:
            self._writing.pop(key, None)
            self._odd.pop(key, None)
            return
        plan = await self._plan(controller, view)
        wrote = False
        refusal: Refusal | None = None
        try:
            for write in plan.writes:
                wrote |= await self._applier.carry_out(write, key, obj)
        except Refusal as error:
            refusal = error
        status, notes = plan.status, plan.notes
        if refusal is not None:
            if refusal.reason == "NamespaceTerminating":
                return
            log.warning("refused: %s", refusal)
            status = refused(obj, plan.status, refusal.reason, refusal.message, self._now())
            notes = (Note(refusal.reason, refusal.message, "Warning"),)
            self._queue.add_after(key, refusal.again)
        with self._store.writing(*key):
            wrote |= await self._write_status(key, obj, status)
        self._recorder.record(obj, notes)
        self._plan_next(key, plan, wrote)

    async def _plan(self, controller: Controller, view: Any) -> Plan:
        known: dict[Need, Any] = {}
        for _ in range(MAX_ROUNDS):
            try:
                return controller.decide(view, Facts(known), self._now())
            except Missing as missing:
                known |= await self._reads.read(missing.needs)
        raise RuntimeError(f"decide still asks after {MAX_ROUNDS} rounds of reads; it knows {list(known)}")

    async def _write_status(self, key: Key, obj: Object, status: Object | None) -> bool:
        if status is None or "deletionTimestamp" in obj["metadata"]:
            return False
        meta = obj["metadata"]
        current, wanted = obj.get("status") or {}, without_nulls(status)
        patch = difference(current, wanted)
        if not patch or self._odd.get(key) == (wanted, current):
            return False
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": patch}
        try:
            answer = await self._client.patch(key.resource, key.namespace, key.name, body, "status")
        except ApiError as error:
            if error.code in (404, 409):
                await self._read_again(key, meta["uid"])
                if self._store.get(*key) is None:
                    return False
            raise
        self._store.apply(key.resource, answer, key)
        self._odd.pop(key, None)
        if left := difference(answer.get("status") or {}, wanted):
            log.warning("the API server changed the status that was written, in %s", sorted(left))
            self._odd[key] = (wanted, answer.get("status") or {})
        return True

    async def _read_again(self, key: Key, uid: str) -> None:
        there = await self._client.get(key.resource, key.namespace, key.name)
        if there is None:
            self._store.gone(key.resource, key.namespace, key.name, uid, key)
        else:
            self._store.apply(key.resource, there, key)

    def _plan_next(self, key: Key, plan: Plan, wrote: bool) -> None:
        if plan.after is not None:
            self._queue.add_after(key, max(SOONEST, (plan.after - self._now()).total_seconds()))
        if not wrote:
            self._writing.pop(key, None)
            return
        # Look again until a pass writes nothing: what was written may be what the next decision waits for. One that
        # writes at every pass slows down instead of spinning.
        streak = self._writing[key] = self._writing.get(key, 0) + 1
        self._queue.add_after(key, 0.0 if streak == 1 else min(30.0, 0.05 * 2.0**streak))
