"""Prepares the benchmark's cluster: simulated nodes, the CRDs, a tracking server, and one dataset."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from modelyard.engine.client import ApiClient, configuration
from modelyard.engine.resource import Resource
from tests.kinds import standing
from tests.localcluster import access
from tests.support.played import apply, install_rights

BENCH, BARE = "bench", "bench-bare"
APPLIERS = 8
"""Concurrent requests of the loop that applies the runs, and of the bare loops."""


def prepare(name: str, tracking_url: str, folder: Path) -> Path:
    """Installs CRDs, rights, the installation and the data on an entered cluster. Returns the operator's kubeconfig."""
    kubeconfig = install_rights(name, tracking_url, folder, (BENCH, BARE))
    apply(name, standing.data(BENCH))
    return kubeconfig


def cordon(name: str, on: bool) -> None:
    """Cordons or uncordons all nodes, so that pods do or don't stay without a node."""
    for node in access.kubectl(name, "get", "nodes", "-o", "name").split():
        access.kubectl(name, "cordon" if on else "uncordon", node)


async def api_client(kubeconfig: Path) -> ApiClient:
    """Returns the operator's own client, with its limit of concurrent writes."""
    os.environ["KUBECONFIG"] = str(kubeconfig)
    return ApiClient(await configuration())


class Watch:
    """A watch of one resource in one namespace, with its events since ``start`` returned."""

    def __init__(self, resource: Resource, namespace: str) -> None:
        self._resource, self._namespace = resource, namespace

    async def start(self, client: ApiClient) -> None:
        config = await configuration()
        page = await anext(client.pages(self._resource, self._namespace, size=1))
        context = ssl.create_default_context(cafile=config.ssl_ca_cert)
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), read_bufsize=2**22)
        version = page["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3600"}
        url = config.host + self._resource.path(self._namespace)
        timeout = aiohttp.ClientTimeout(total=None)
        self._answer = await self.session.get(url, params=query, timeout=timeout)

    async def lines(self) -> AsyncIterator[bytes]:
        async for line in self._answer.content:
            yield line

    async def close(self) -> None:
        self._answer.close()
        await self.session.close()
