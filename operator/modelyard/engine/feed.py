"""Watch events into the store, by kopf: the only module that knows kopf.

Events are hints that make the operator quick; the lists of ``resync`` make it right. So a handler does one thing, and
nothing of kopf's memory, annotations, indexes, timers or peering is used.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import kopf

from modelyard.engine.resource import Object, Resource
from modelyard.engine.resync import Fed

log = logging.getLogger(__name__)

Sink = Callable[[Resource, str | None, Object], None]
"""Called with each event: resource, type (ADDED, MODIFIED, DELETED; None: from a list of kopf's own), object."""


class _Backoffs:
    """1, 2, 5, 10, 10, ... seconds without an end: kopf gives up for good when its backoffs are over."""

    def __iter__(self) -> Iterator[float]:
        yield from (1, 2, 5)
        while True:
            yield 10


class _NoDiffs(kopf.DiffBaseStorage):  # type: ignore[misc]
    """kopf compares each object with its last version, at a third of its CPU time, for handlers that we don't have."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        return {}

    def fetch(self, *, body: Any) -> Any:
        return None

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        pass


async def run(
    feeds: Iterable[Fed],
    namespaces: Iterable[str],
    configuration: Any,
    sink: Sink,
    started: Callable[[], None],
    stopping: Callable[[], Awaitable[None]],
) -> None:
    """Watch until SIGTERM or SIGINT, or until a watch fails for good: then it raises, and the process should end.

    ``configuration`` is ``gateway.configuration()``. ``stopping`` is awaited when the watches have ended, before kopf
    cancels every task that was created since it started.
    """
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    feeds = tuple(feeds)
    _configure(settings, feeds)

    @kopf.on.login(registry=registry)  # type: ignore[untyped-decorator]
    async def login(**_: Any) -> Any:
        return await _connection(configuration)

    @kopf.on.startup(registry=registry)  # type: ignore[untyped-decorator]
    async def on_startup(**_: Any) -> None:
        started()

    @kopf.on.cleanup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)  # type: ignore[untyped-decorator]
    async def on_cleanup(**_: Any) -> None:
        await stopping()

    for fed in feeds:
        _watch(registry, fed.resource, sink)
    names = list(namespaces)
    # An identity, since kopf would else ask for the name of a user that has none in a container.
    await kopf.operator(
        registry=registry,
        settings=settings,
        identity="modelyard",
        clusterwide=not names,
        namespaces=names,
        standalone=True,
    )


def _watch(registry: Any, resource: Resource, sink: Sink) -> None:
    group, version, plural = resource.group, resource.version, resource.plural

    @kopf.on.event(group=group, version=version, plural=plural, id=str(resource), registry=registry)  # type: ignore[untyped-decorator]
    async def handle(event: Any, **_: Any) -> None:
        # kopf would drop the event and go on if this failed.
        try:
            sink(resource, event["type"], event["object"])
        except Exception:
            log.exception("event of %s", resource)


def _configure(settings: Any, feeds: Iterable[Fed]) -> None:
    watching = settings.watching
    watching.chunk_size, watching.server_timeout = 250, 290
    # Streaming the first list loses objects when it is cut.
    watching.initial_streaming = False
    watching.connect_timeout, watching.reconnect_backoff = 10, 1
    for fed in feeds:
        if fed.selector:
            selector = (fed.resource.group, fed.resource.version, fed.resource.plural)
            watching.label_selectors[selector] = fed.selector
    # The bodies of listed objects are kept until their workers are idle for that long.
    settings.queueing.idle_timeout, settings.queueing.exit_timeout = 0.05, 2
    settings.queueing.worker_limit = None
    settings.networking.error_backoffs = _Backoffs()
    settings.networking.request_timeout, settings.networking.connect_timeout = 30, 5
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 25


async def _connection(configuration: Any) -> Any:
    """kopf's form of the client's configuration, with a token that is fresh each time kopf asks."""
    header = await configuration.get_api_key_with_prefix("BearerToken")
    scheme, _, token = (header or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        username=configuration.username or None,
        password=configuration.password or None,
        scheme=scheme.strip() or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )
