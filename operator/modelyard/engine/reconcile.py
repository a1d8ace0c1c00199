"""Runs one pass of one object: observe, decide (and read the facts it asks for), write, and write the status last."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from modelyard.engine import logs
from modelyard.engine.apply import Applier
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.events import Recorder
from modelyard.engine.metrics import Metrics
from modelyard.engine.plan import Controller, Create, Facts, Missing, Need, Note, Plan
from modelyard.engine.queue import Queue
from modelyard.engine.reads import Reads
from modelyard.engine.refusal import Refusal
from modelyard.engine.resource import Key, Object
from modelyard.engine.status import difference, refused, without_nulls
from modelyard.engine.store import Store
from modelyard.engine.tenancy import outside

MAX_ROUNDS = 8
"""Number of times ``decide`` may run in one pass. If it still asks for facts then, the pass fails."""
PAST_DELAY = 1.0
"""Delay in seconds if a plan's ``after`` had passed when it was decided: such a decision must not spin."""

log = logging.getLogger(__name__)


def delay(after: datetime, decided: datetime, now: datetime) -> float:
    """Returns in how many seconds a plan's ``after`` is.

    A timer may fire a moment early. What is then a few milliseconds off must not be rounded up to a whole second.
    """
    return PAST_DELAY if after <= decided else max(0.0, (after - now).total_seconds())


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
        watched = {item for each in self._controllers.values() for item in (each.resource, *each.watches)}
        self._applier = Applier(store, client, watched)
        self._write_streaks: dict[Key, int] = {}
        """Number of passes in a row that wrote something."""
        self._rewritten: dict[Key, tuple[Object, Object]] = {}
        """Key -> (the status we sent, the status the API server stored), where these differ. Without this every pass
        would write the status again."""

    async def work(self) -> None:
        """Runs passes as one worker until the queue is closed."""
        while (key := await self._queue.take()) is not None:
            with logs.about(key):
                started = time.monotonic()
                try:
                    await self._run_guarded(key)
                finally:
                    self._metrics.reconcile_seconds.labels(key.resource.kind).observe(time.monotonic() - started)
                    self._queue.done(key)

    async def _run_guarded(self, key: Key) -> None:
        try:
            await self.run(key)
        except ApiError as error:
            delay = self._queue.failed(key, error.retry_after)
            # A conflict (409) is no error: the next pass sees what the other writer changed.
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
        """Runs one pass. Raises ApiError, or whatever the controller raises."""
        controller = self._controllers[key.resource]
        obj = self._store.get(key.resource, key.namespace, key.name)
        view = controller.observe(self._store, key) if obj is not None else None
        if obj is None or view is None:
            self._write_streaks.pop(key, None)
            self._rewritten.pop(key, None)
            return
        plan, decided = await self._plan(controller, view, key.namespace)
        wrote = False
        refusals: list[Refusal] = []
        for write in plan.writes:
            try:
                outcome = await self._applier.carry_out(write, key, obj)
            except Refusal as error:
                refusals.append(error)
                if isinstance(write, Create) and write.alone:
                    continue
                break
            wrote |= outcome.sent
            # Told at once: what was undone is not seen again if the status write fails.
            self._recorder.record(obj, outcome.notes)
            if outcome.after is not None:
                self._queue.add_after(key, outcome.after)
        status, notes = plan.status, plan.notes
        if refusals:
            first = refusals[0]
            if first.reason == "NamespaceTerminating":
                return
            log.warning("refused: %s", "; ".join(map(str, refusals)))
            status = refused(obj, plan.status, first.reason, first.message, self._now())
            notes = tuple(Note(refusal.reason, refusal.message, "Warning") for refusal in refusals)
            self._queue.add_after(key, min(refusal.retry_after for refusal in refusals))
        with self._store.writing(*key):
            wrote |= await self._write_status(key, obj, status)
        self._recorder.record(obj, notes)
        if plan.after is not None:
            self._queue.add_after(key, delay(plan.after, decided, self._now()))
        self._repeat(key, wrote)

    async def _plan(self, controller: Controller, view: Any, namespace: str) -> tuple[Plan, datetime]:
        """Returns the plan, and the time at which it was decided. Nothing of another namespace is read for it."""
        known: dict[Need, Any] = {}
        for _ in range(MAX_ROUNDS):
            decided = self._now()
            try:
                return controller.decide(view, Facts(known), decided), decided
            except Missing as missing:
                refused = {need: fact for need in missing.needs if (fact := outside(need, namespace)) is not None}
                for fact in refused.values():
                    log.warning("not read: %s", fact.message)
                known |= refused | await self._reads.read(need for need in missing.needs if need not in refused)
        raise RuntimeError(f"decide still asks after {MAX_ROUNDS} rounds of reads; it knows {list(known)}")

    async def _write_status(self, key: Key, obj: Object, status: Object | None) -> bool:
        if status is None:
            return False
        meta = obj["metadata"]
        current, desired = obj.get("status") or {}, without_nulls(status)
        patch = difference(current, desired)
        if not patch or self._rewritten.get(key) == (desired, current):
            return False
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": patch}
        try:
            answer = await self._client.patch(key.resource, key.namespace, key.name, body, "status")
        except ApiError as error:
            if error.code in (404, 409):
                await self._refresh(key, meta["uid"])
                if self._store.get(*key) is None:
                    return False
            raise
        self._store.apply(key.resource, answer, key)
        self._rewritten.pop(key, None)
        if changed := difference(answer.get("status") or {}, desired):
            log.warning("the API server changed the status that was written, in %s", sorted(changed))
            self._rewritten[key] = (desired, answer.get("status") or {})
        return True

    async def _refresh(self, key: Key, uid: str) -> None:
        live = await self._client.get(key.resource, key.namespace, key.name)
        if live is None:
            self._store.gone(key.resource, key.namespace, key.name, uid, key)
        else:
            self._store.apply(key.resource, live, key)

    def _repeat(self, key: Key, wrote: bool) -> None:
        """Runs the object again until a pass writes nothing, since the next decision may depend on what was written.

        An object that is written by every pass backs off up to 30 s instead of spinning.
        """
        if not wrote:
            self._write_streaks.pop(key, None)
            return
        streak = self._write_streaks[key] = self._write_streaks.get(key, 0) + 1
        self._queue.add_after(key, 0.0 if streak == 1 else min(30.0, 0.05 * 2.0**streak))
