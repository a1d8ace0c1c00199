"""The life of the process, by kopf: login, start, signals, and an end that lets the passes that run come to theirs.

Whatever kopf can't go on after ends the process, and the kubelet starts it anew: an event of type ERROR but 410, a
watch that is answered 404. So one process runs kopf once, and all of ours begins and ends within kopf's handlers.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any

import click
import kopf

from modelyard.engine.client import WATCH_SECONDS
from modelyard.engine.feed import on_events
from modelyard.engine.process import Process

LEFT_SECONDS = 2.0
"""That kopf has to end after all of ours has. When one of its watches fails, the others are left alive: kopf waits for
them, cancels them, and some go on all the same until it kills the process."""

log = logging.getLogger(__name__)


class WrongFlags(Exception):
    """``kopf run`` was told to watch too little; the message says what to tell it."""


class Life:
    """Of the operator that ``prepare`` makes."""

    def __init__(self, prepare: Callable[[], Awaitable[Process]]) -> None:
        self._prepare = prepare
        self._process: Process
        self._registry: kopf.OperatorRegistry | None
        self._end: asyncio.TimerHandle | None = None

    def register(self, registry: kopf.OperatorRegistry | None = None) -> None:
        """Let kopf begin and end it. Without a registry it is the one of ``kopf run``."""
        self._registry = registry
        kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self.start)
        kopf.on.login(registry=registry)(self.login)
        kopf.on.cleanup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self.stop)

    async def start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        process = self._process = await self._prepare()
        if self._registry is None and (told := agree(process.namespaces, *_flags(settings))):
            log.info("%s", told)
        try:
            await process.start()
        except BaseException:  # kopf cleans up only what has started
            await process.stop()
            raise
        on_events(process.kinds, process.namespaces, process.store, self._registry)

    async def login(self, **_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=self._process.server, aiohttp_session=self._process.streams.session())

    async def stop(self, **_: Any) -> None:
        await self._process.stop()
        self._end = asyncio.get_running_loop().call_later(LEFT_SECONDS, _end)

    def ended(self) -> None:
        """kopf has come to its own end."""
        if self._end:
            self._end.cancel()


def _end() -> None:
    log.critical("kopf doesn't come to its end: ending at once")
    os._exit(1)


async def run(process: Process) -> None:
    """Until SIGTERM or SIGINT. Raises what ended it else."""
    registry = kopf.OperatorRegistry()

    async def made() -> Process:
        return process

    life = Life(made)
    life.register(registry)
    namespaces = process.namespaces
    try:
        # An identity, since kopf would else ask for the name of a user that has none in a container.
        await kopf.operator(registry=registry, identity="modelyard", clusterwide=not namespaces, namespaces=namespaces)
    finally:
        life.ended()


def configure(settings: kopf.OperatorSettings) -> None:
    """Leave of kopf what watches need: nothing is written to our objects, and an event costs as little as it can."""
    settings.watching.initial_streaming = True  # see ``streams``
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    # ``streams`` sees to silence. kopf's own way can cancel its task where it doesn't expect that: nobody notices.
    settings.watching.inactivity_timeout = 2 * WATCH_SECONDS
    settings.queueing.idle_timeout = 0.05
    settings.queueing.exit_timeout = 2
    settings.networking.error_backoffs = Endless()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.persistence.diffbase_storage = NoDiffs()
    # kopf takes the finalizer of this name off every object, since no handler needs it.
    settings.persistence.finalizer = "modelyard.dev/kopf-needs-none"
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 25
    # Its lines about single objects repeat what a pass logs itself; retries of its watches are worth a line.
    logging.getLogger("kopf.objects").setLevel(logging.ERROR)


class Endless:
    """Seconds between tries of a request, for each request from the beginning."""

    def __iter__(self) -> Iterator[float]:
        yield from (1, 2, 5)
        while True:
            yield 10


class NoDiffs(kopf.DiffBaseStorage):  # type: ignore[misc]
    """No handler asks what has changed: copying and comparing each object is most of what an event costs."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


def agree(installed: Collection[str], all_watched: bool, watched: Collection[str]) -> str:
    """What the log should say of namespaces, if anything. The installation's are worked in, whatever the flags say.

    Raises WrongFlags when kopf would not see all of them.
    """
    missing = [] if all_watched else [one for one in installed if one not in watched]
    if missing or not (installed or all_watched):
        flags = " ".join(f"-n {one}" for one in installed) or "--all-namespaces"
        told = f"-n {' -n '.join(watched)}" if watched else "no namespace"
        what = f"the namespaces {', '.join(installed)}" if installed else "all namespaces"
        raise WrongFlags(
            f"the installation names {what}, kopf was told {told}: run it with {flags}, or change the other"
        )
    if set(watched) == set(installed) and all_watched == (not installed):
        return ""
    seen = "all namespaces" if all_watched else f"the namespaces {', '.join(watched)}"
    return f"kopf watches {seen}; the installation says that {', '.join(installed)} are worked in, and no other"


def _flags(settings: kopf.OperatorSettings) -> tuple[bool, tuple[str, ...]]:
    """Whether ``kopf run`` watches all namespaces, else which: patterns are none, since kopf scans for nothing."""
    given = click.get_current_context().params["namespaces"]
    return settings.peering.clusterwide, tuple(one for one in given if not set(one) & set("*?!,"))
