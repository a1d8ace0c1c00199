"""Elects one leader: a Lease of the coordination API, held for as long as the process works.

The holder's name is the pod's name and uid, so a restarted container of the same pod continues at once. Other machines'
clocks don't matter: a lease counts as expired when our own clock saw no change of it for its duration.
Nothing is written after the lease has run out by our own clock (``holds``), for example in a process that was suspended
for a while. A write that was sent before is fenced by the resourceVersion in each status write and the uid in each
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
"""Duration of a lease in seconds. It is renewed three times in that time."""

log = logging.getLogger(__name__)


def _lost(message: str) -> NoReturn:
    log.critical("%s: ending at once", message)
    os._exit(1)


class Lease:
    """Acquires and renews the Lease. It needs its own ``client``, so that renewals never wait for other requests."""

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
        self._observed: tuple[str, float] = ("", 0.0)
        """The Lease's resourceVersion, and the clock's time when it was first seen."""
        self._renewed = -math.inf
        self._last_written: Object | None = None
        """The Lease as our last write left it: it is read again only after a failed write."""
        self.holder = ""
        """The holder that was last seen, empty if there is none."""

    async def acquire(self) -> None:
        """Waits until the lease is ours."""
        logged = ""
        while not await self._attempt():
            if self.holder != logged:
                log.info("standing by: %s leads", self.holder or "nobody")
                logged = self.holder
            await asyncio.sleep(self._duration / 7.5)
        log.info("leading as %s", self.identity)

    def holds(self) -> bool:
        """Whether the lease is surely still ours by our own clock, so that nobody else can have taken it."""
        return self._clock() - self._renewed < self._duration

    @property
    def version(self) -> int:
        """The resourceVersion of our last write of the Lease, 0 without one."""
        return int(self._last_written["metadata"]["resourceVersion"]) if self._last_written else 0

    async def keep(self) -> None:
        """Renews until cancelled. Ends the process if the lease is lost or could not be renewed in its duration."""
        while True:
            late = self._clock() - self._renewed >= self._renew_every
            await asyncio.sleep(self._renew_every / 5 if late else self._renew_every)
            renewed = await self._attempt()
            if not renewed and self.holder not in ("", self.identity):
                self._lost(f"{self.holder} took the lease")
            if not renewed and self._clock() - self._renewed > self._duration - self._renew_every:
                self._lost("the lease could not be renewed")

    async def release(self) -> None:
        """Gives up the lease, so that the next leader needn't wait. Errors are only logged."""
        try:
            async with asyncio.timeout(3):
                lease = await self._client.get(LEASES, self._namespace, self._name)
                if lease and (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                    await self._write(lease, {"holderIdentity": "", "leaseDurationSeconds": 1})
                    log.info("released the lease")
        except (ApiError, TimeoutError) as error:
            log.warning("could not release the lease: %s", error)

    async def _attempt(self) -> bool:
        """Tries once, in bounded time, to take or renew the lease, and returns whether it is ours."""
        started = self._clock()
        try:
            async with asyncio.timeout(self._renew_every):
                ours = await self._take_or_renew()
        except ApiError as error:
            self._last_written = None
            if error.code not in (409, 404):
                log.warning("lease: %s", error)
            return False
        except TimeoutError:
            self._last_written = None
            log.warning("lease: no answer in %g s", self._renew_every)
            return False
        if ours:
            self._renewed = started
        return ours

    async def _take_or_renew(self) -> bool:
        lease = self._last_written or await self._client.get(LEASES, self._namespace, self._name)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": math.ceil(self._duration), "renewTime": now}
        if lease is None:
            meta = {"namespace": self._namespace, "name": self._name}
            manifest = {"metadata": meta, "spec": {**spec, "acquireTime": now}}
            self._last_written = await self._client.create(LEASES, manifest)
            self.holder = self.identity
            return True
        current = lease.get("spec") or {}
        self.holder = current.get("holderIdentity") or ""
        version = lease["metadata"]["resourceVersion"]
        if version != self._observed[0]:
            self._observed = (version, self._clock())
        if self.holder != self.identity:
            expires = self._observed[1] + float(current.get("leaseDurationSeconds") or self._duration)
            if self.holder and self._clock() < expires:
                return False
            spec |= {"acquireTime": now, "leaseTransitions": int(current.get("leaseTransitions") or 0) + 1}
        self._last_written = await self._write(lease, spec)
        self.holder = self.identity
        return True

    async def _write(self, lease: Object, spec: Object) -> Object:
        """Writes the spec. Raises ApiError 409 if somebody else wrote the Lease since it was read."""
        body = {"metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]}, "spec": spec}
        return await self._client.patch(LEASES, self._namespace, self._name, body)
