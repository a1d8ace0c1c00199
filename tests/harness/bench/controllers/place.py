"""Where the benchmark runs: a cluster whose nodes are played, the CRDs, a tracking server, and one dataset."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from modelyard.engine.client import Gateway, configuration
from modelyard.engine.resource import Resource
from tests.harness.bench.controllers import objects
from tests.localcluster import access, install
from tests.localcluster.kwok import Kwok
from tests.localcluster.say import say

SYSTEM, BENCH, BARE = "modelyard-system", "bench", "bench-bare"
APPLIERS = 8
"""Requests at once of whoever applies the runs, and of the bare loops."""


def prepare(name: str, tracking_url: str, folder: Path) -> Path:
    """From an entered cluster to one with CRDs, rights, the installation and the data; the operator's kubeconfig."""
    kubeconfig = install_rights(name, tracking_url, folder, (BENCH, BARE))
    apply(name, [objects.dataset(BENCH), objects.version(BENCH)])
    return kubeconfig


def install_rights(name: str, tracking_url: str, folder: Path, namespaces: Iterable[str]) -> Path:
    """All of the installation but its pods, and these namespaces.

    Returns a kubeconfig of the operator's own ServiceAccount, as in its pod.
    """
    installation = {"trackingURL": tracking_url}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": SYSTEM, "name": "modelyard"},
        "data": {"installation.yaml": json.dumps(installation)},
    }
    installed = [one for one in install.render(name) if one["kind"] in _INSTALLED]
    installed.sort(key=lambda one: one["kind"] != "Namespace")
    apply(name, [*installed, *map(objects.namespace, namespaces), config_map])
    for one in installed:
        if one["kind"] == "CustomResourceDefinition":
            access.wait(name, f"crd/{one['metadata']['name']}", "condition=Established")
    token = access.kubectl(name, "-n", SYSTEM, "create", "token", "modelyard-operator", "--duration=12h").strip()
    config = yaml.safe_load(access.kubeconfig(name).read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / "operator.kubeconfig"
    path.touch(0o600)
    path.write_text(yaml.safe_dump(config))
    return path


_INSTALLED = {
    *("Namespace", "CustomResourceDefinition", "ServiceAccount"),
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "FlowSchema"),
}


def apply(name: str, documents: Iterable[Any]) -> None:
    access.kubectl(name, "apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(documents))


def up(name: str) -> None:
    """Start the cluster anew and enter its network; to be called before any thread is started."""
    Kwok(name).down()  # what an interrupted run left there would count
    Kwok(name).up()
    access.enter(name)


def down(name: str) -> None:
    say(f"removing the cluster {name}")
    Kwok(name).down()


def cordon(name: str, on: bool) -> None:
    """Whether pods stay without a node."""
    for node in access.kubectl(name, "get", "nodes", "-o", "name").split():
        access.kubectl(name, "cordon" if on else "uncordon", node)


async def gateway(kubeconfig: Path) -> Gateway:
    """The operator's own client, with as many writes at once."""
    os.environ["KUBECONFIG"] = str(kubeconfig)
    return Gateway(await configuration())


async def at_once(count: int, workers: int, work: Callable[[int], Awaitable[object]]) -> None:
    """``work(0)`` to ``work(count - 1)``, ``workers`` at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            tasks.create_task(worker())


class Watch:
    """Events of one resource in one namespace, from the moment that ``start`` returned."""

    def __init__(self, resource: Resource, namespace: str) -> None:
        self._resource, self._namespace = resource, namespace

    async def start(self, gateway: Gateway) -> None:
        found = await configuration()
        page = await anext(gateway.pages(self._resource, self._namespace, size=1))
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
