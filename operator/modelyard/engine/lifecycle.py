"""The life of the process, by kopf: login, signals, and an end that lets the work that runs come to its own.

Watches are not kopf's but ``feed``'s: a millisecond of CPU time for each event, one stream in which the objects of one
namespace wait behind those of another, and deletions that nobody tells of are too much for ten thousand objects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import kopf


async def run(configuration: Any, namespaces: Iterable[str], stopping: Callable[[], Awaitable[None]]) -> None:
    """Until SIGTERM or SIGINT, and then until ``stopping`` has ended.

    ``configuration`` is ``gateway.configuration()``.
    """
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 25

    @kopf.on.login(registry=registry)  # type: ignore[untyped-decorator]
    async def login(**_: Any) -> Any:
        return await _connection(configuration)

    @kopf.on.cleanup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)  # type: ignore[untyped-decorator]
    async def on_cleanup(**_: Any) -> None:
        await stopping()

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
