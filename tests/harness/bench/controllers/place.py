"""Where the benchmark runs: a cluster whose nodes are played, the CRDs, a tracking server, and one dataset."""

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
"""Requests at once of whoever applies the runs, and of the bare loops."""


def prepare(name: str, tracking_url: str, folder: Path) -> Path:
    """From an entered cluster to one with CRDs, rights, the installation and the data; the operator's kubeconfig."""
    kubeconfig = install_rights(name, tracking_url, folder, (BENCH, BARE))
    apply(name, standing.data(BENCH))
    return kubeconfig


def cordon(name: str, on: bool) -> None:
    """Whether pods stay without a node."""
    for node in access.kubectl(name, "get", "nodes", "-o", "name").split():
        access.kubectl(name, "cordon" if on else "uncordon", node)


async def api_client(kubeconfig: Path) -> ApiClient:
    """The operator's own client, with as many writes at once."""
    os.environ["KUBECONFIG"] = str(kubeconfig)
    return ApiClient(await configuration())


class Watch:
    """Events of one resource in one namespace, from the moment that ``start`` returned."""

    def __init__(self, resource: Resource, namespace: str) -> None:
        self._resource, self._namespace = resource, namespace

    async def start(self, client: ApiClient) -> None:
        found = await configuration()
        page = await anext(client.pages(self._resource, self._namespace, size=1))
        context = ssl.create_default_context(cafile=found.ssl_ca_cert)
        if found.cert_file:
            context.load_cert_chain(found.cert_file, found.key_file)
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), read_bufsize=2**22)
        version = page["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3600"}
        url = found.host + self._resource.path(self._namespace)
        timeout = aiohttp.ClientTimeout(total=None)
        self._answer = await self.session.get(url, params=query, timeout=timeout)

    async def lines(self) -> AsyncIterator[bytes]:
        async for line in self._answer.content:
            yield line

    async def close(self) -> None:
        self._answer.close()
        await self.session.close()
