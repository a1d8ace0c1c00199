"""One leader: a Lease of the coordination API, held for as long as the process works.

The holder's name is the pod's name and uid, so a restarted container of the same pod goes on at once. Other machines'
clocks don't matter: a lease counts as expired when it was not seen to change for its duration, by our own clock.
Nothing is written after the lease has run out by our own clock (``holds``), as in a process that was stopped for a
while and wakes up. What was on its way before is fenced by the resourceVersion in each status write and the uid in each
delete.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.resource import LEASES, Object

DURATION = 15.0
"""Seconds that a lease holds; it is renewed three times in these."""

log = logging.getLogger(__name__)


def _lost(message: str) -> NoReturn:
    log.critical("%s: ending at once", message)
    os._exit(1)


class Lease:
    """``client`` should be one of its own, so that renewing never waits behind other requests."""

    def __init__(
        self,
        client: ApiClient,
        namespace: str,
        name: str,
        identity: str,
        lost: Callable[[str], NoReturn] = _lost,
        clock: Callable[[], float] = time.monotonic,
        duration: float = DURATION,
    ) -> None:
        self._client = client
        self._namespace, self._name, self.identity = namespace, name, identity
        self._lost, self._clock = lost, clock
        self._duration, self._renew_every = duration, duration / 3
        self._seen: tuple[str, float] = ("", 0.0)
        """The lease's version, and since when it has been that."""
        self._renewed = -math.inf
        self._mine: Object | None = None
        """The lease as our last write left it: while nobody else writes it, it need not be read again."""
        self.holder = ""
        """Who holds it, as far as was seen."""

    async def acquire(self) -> None:
        """Wait until the lease is ours."""
        told = ""
        while not await self._tried():
            if self.holder != told:
                log.info("standing by: %s leads", self.holder or "nobody")
                told = self.holder
            await asyncio.sleep(self._duration / 7.5)
        log.info("leading as %s", self.identity)

    def holds(self) -> bool:
        """Whether nobody else can have taken it yet."""
        return self._clock() - self._renewed < self._duration

    @property
    def version(self) -> int:
        """The resourceVersion of our last write of it, 0 without one."""
        return int(self._mine["metadata"]["resourceVersion"]) if self._mine else 0

    async def keep(self) -> None:
        """Renew for ever; ends the process when the lease is lost or could not be renewed in its duration."""
        while True:
            late = self._clock() - self._renewed >= self._renew_every
            await asyncio.sleep(self._renew_every / 5 if late else self._renew_every)
            renewed = await self._tried()
            if not renewed and self.holder not in ("", self.identity):
                self._lost(f"{self.holder} took the lease")
            if not renewed and self._clock() - self._renewed > self._duration - self._renew_every:
                self._lost("the lease could not be renewed")

    async def release(self) -> None:
        """Give it up, so that the next one needn't wait; errors are logged only."""
        try:
            async with asyncio.timeout(3):
                lease = await self._client.get(LEASES, self._namespace, self._name)
                if lease and (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                    await self._write(lease, {"holderIdentity": "", "leaseDurationSeconds": 1})
                    log.info("released the lease")
        except (ApiError, TimeoutError) as error:
            log.warning("could not release the lease: %s", error)

    async def _tried(self) -> bool:
        """One attempt to take or renew it, in bounded time."""
        started = self._clock()
        try:
            async with asyncio.timeout(self._renew_every):
                mine = await self._try()
        except ApiError as error:
            self._mine = None
            if error.code not in (409, 404):
                log.warning("lease: %s", error)
            return False
        except TimeoutError:
            self._mine = None
            log.warning("lease: no answer in %g s", self._renew_every)
            return False
        if mine:
            self._renewed = started
        return mine

    async def _try(self) -> bool:
        lease = self._mine or await self._client.get(LEASES, self._namespace, self._name)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": math.ceil(self._duration), "renewTime": now}
        if lease is None:
            meta = {"namespace": self._namespace, "name": self._name}
            made = {"metadata": meta, "spec": {**spec, "acquireTime": now}}
            self._mine = await self._client.create(LEASES, made)
            self.holder = self.identity
            return True
        held = lease.get("spec") or {}
        self.holder = held.get("holderIdentity") or ""
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        if self.holder != self.identity:
            expires = self._seen[1] + float(held.get("leaseDurationSeconds") or self._duration)
            if self.holder and self._clock() < expires:
                return False
            spec |= {"acquireTime": now, "leaseTransitions": int(held.get("leaseTransitions") or 0) + 1}
        self._mine = await self._write(lease, spec)
        self.holder = self.identity
        return True

    async def _write(self, lease: Object, spec: Object) -> Object:
        """Only if nobody else wrote since it was read (ApiError 409)."""
        body = {"metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]}, "spec": spec}
        return await self._client.patch(LEASES, self._namespace, self._name, body)
