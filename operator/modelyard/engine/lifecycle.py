"""Runs the operator inside kopf: login, start, signals, and a shutdown that lets running passes finish.

A failure that kopf can't recover from (an ERROR event other than 410, a watch answered with 404) ends the process, and
the kubelet restarts it. So a process runs kopf once, and our own parts start and stop in kopf's handlers.
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

KOPF_EXIT_SECONDS = 6.0
"""Time that kopf has to end after our own parts have stopped: longer than the 5 s that it waits for its own remains."""
_OF_WATCHES = ("watcher for ", "pause-waiter for ")
"""How the names of kopf's tasks of watches begin."""

log = logging.getLogger(__name__)


class WrongFlags(Exception):
    """``kopf run`` was told to watch too few namespaces. The message names the right flags."""


class Life:
    """Starts and stops the operator that ``prepare`` creates, in kopf's handlers."""

    def __init__(self, prepare: Callable[[], Awaitable[Process]]) -> None:
        self._prepare = prepare
        self._process: Process
        self._registry: kopf.OperatorRegistry | None
        self._forced_exit: asyncio.TimerHandle | None = None

    def register(self, registry: kopf.OperatorRegistry | None = None) -> None:
        """Registers the handlers with kopf. Without a registry it uses the global one of ``kopf run``."""
        self._registry = registry
        kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self.start)
        kopf.on.login(registry=registry)(self.login)
        kopf.on.cleanup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self.stop)

    async def start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        asyncio.get_running_loop().set_exception_handler(_report)
        process = self._process = await self._prepare()
        if self._registry is None and (notice := agree(process.namespaces, *_flags(settings))):
            log.info("%s", notice)
        try:
            await process.start()
        except BaseException:  # kopf calls no cleanup handler after a failed startup
            await process.stop()
            raise
        on_events(process.kinds, process.namespaces, process.store, self._registry)

    async def login(self, **_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=self._process.server, aiohttp_session=self._process.streams.session())

    async def stop(self, **_: Any) -> None:
        """Stops our own parts, and then the watches that kopf has left.

        It forgets a task of each watch that is stopped while an event is taken, and all other watches if one has
        failed. It would wait 5 s for them, and then cancel their helpers too, without which they never end.
        """
        await self._process.stop()
        for task in asyncio.all_tasks():
            if task.get_name().startswith(_OF_WATCHES):
                task.cancel()
        self._forced_exit = asyncio.get_running_loop().call_later(KOPF_EXIT_SECONDS, _force_exit)

    def ended(self) -> None:
        """Cancels the forced exit, because kopf has ended by itself."""
        if self._forced_exit:
            self._forced_exit.cancel()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs what no task has handled, and only for debugging what generators raise when the loop closes them at its end.

    asyncio closes them all at once. A watch of kopf that is stopped while an event is taken is left there, and raises
    ``generator didn't stop after athrow()`` if its inner block is closed first. Nothing is lost by that.
    """
    if "asyncgen" in context:
        log.debug("%s", context["message"], exc_info=context.get("exception"))
    else:
        loop.default_exception_handler(context)


def _force_exit() -> None:
    running = sorted(task.get_name() for task in asyncio.all_tasks())
    log.critical("kopf doesn't come to its end: ending at once, with these tasks: %s", "; ".join(running))
    os._exit(1)


async def run(process: Process) -> None:
    """Runs the operator until SIGTERM or SIGINT. Raises the failure that ends it earlier."""
    registry = kopf.OperatorRegistry()

    async def prepared() -> Process:
        return process

    life = Life(prepared)
    life.register(registry)
    namespaces = process.namespaces
    try:
        # Pass an identity: kopf would otherwise look up the user's name, which a container's user doesn't have.
        await kopf.operator(registry=registry, identity="modelyard", clusterwide=not namespaces, namespaces=namespaces)
    finally:
        life.ended()


def configure(settings: kopf.OperatorSettings) -> None:
    """Reduces kopf to its watches: it writes nothing to our objects, and an event costs as little as possible."""
    settings.watching.initial_streaming = True  # see ``streams``
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    # ``streams`` cuts silent watches. kopf's own timeout can cancel its task where that goes unnoticed.
    settings.watching.inactivity_timeout = 2 * WATCH_SECONDS
    settings.queueing.idle_timeout = 0.05
    settings.queueing.exit_timeout = 2
    settings.networking.error_backoffs = Endless()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.persistence.diffbase_storage = NoDiffs()
    # kopf removes the finalizer of this name from every object, because no handler needs one.
    settings.persistence.finalizer = "modelyard.dev/kopf-needs-none"
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 25
    # Silence only kopf's lines about single objects, which repeat what a pass logs. Its watch retries are still logged.
    logging.getLogger("kopf.objects").setLevel(logging.ERROR)


class Endless:
    """Yields the seconds between attempts of a request, without end. Each request starts a new iteration."""

    def __iter__(self) -> Iterator[float]:
        yield from (1, 2, 5)
        while True:
            yield 10


class NoDiffs(kopf.DiffBaseStorage):  # type: ignore[misc]
    """Disables kopf's diffs: no handler needs them, and to copy and compare objects is most of an event's cost."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


def agree(installed: Collection[str], all_watched: bool, watched: Collection[str]) -> str:
    """Compares kopf's namespaces with the installation's, which decide where the operator works.

    Returns a notice for the log, empty if they are the same. Raises WrongFlags if kopf would not watch all of them.
    """
    missing = [] if all_watched else [name for name in installed if name not in watched]
    if missing or not (installed or all_watched):
        flags = " ".join(f"-n {name}" for name in installed) or "--all-namespaces"
        given = f"-n {' -n '.join(watched)}" if watched else "no namespace"
        scope = f"the namespaces {', '.join(installed)}" if installed else "all namespaces"
        raise WrongFlags(
            f"the installation names {scope}, kopf was told {given}: run it with {flags}, or change the other"
        )
    if set(watched) == set(installed) and all_watched == (not installed):
        return ""
    scope = "all namespaces" if all_watched else f"the namespaces {', '.join(watched)}"
    return f"kopf watches {scope}; the installation says that {', '.join(installed)} are worked in, and no other"


def _flags(settings: kopf.OperatorSettings) -> tuple[bool, tuple[str, ...]]:
    """Returns whether ``kopf run`` watches all namespaces, and else which. Patterns are left out: without scanning kopf
    doesn't follow them."""
    given = click.get_current_context().params["namespaces"]
    return settings.peering.clusterwide, tuple(name for name in given if not set(name) & set("*?!,"))
