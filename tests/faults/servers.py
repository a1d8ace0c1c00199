"""Plays model servers behind a Gateway: their pods get addresses, where one program answers what each has seen."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import secrets
import subprocess
from typing import Any

from aiohttp import web

from modelyard_api.requests import Requests, bucket
from modelyard_api.sketches import Sketches, write
from tests.faults.actor import Actor
from tests.faults.mirror import Mirror
from tests.faults.objects import DEPLOYMENT
from tests.faults.resources import Object, path
from tests.support.api import Api

PORT, VERSION = 8080, "modelyard.dev/version"
PODS = ipaddress.ip_network("198.18.0.0/15")
"""Kept for benchmarks (RFC 2544), so nothing else of a cluster has such an address."""
REQUESTS = 1000
_numbers = itertools.count(secrets.randbelow(PODS.num_addresses))
"""Begins anywhere: several programs may play on one cluster."""


def have_addresses() -> None:
    """All of ``PODS`` are this host's own: to be called in the cluster's network."""
    subprocess.run(["ip", "route", "replace", "local", str(PODS), "dev", "lo"], check=True)


class Servers:
    """The program behind all of them; the address that a request came to says whose it is."""

    def __init__(self) -> None:
        self._pods: dict[str, tuple[Serving, str]] = {}

    async def __aenter__(self) -> Servers:
        app = web.Application()
        app.router.add_get(f"/v2/models/{DEPLOYMENT}/sketches", self._sketches)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def listen(self, serving: Serving, version: str) -> tuple[str, asyncio.Server]:
        """At a new address."""
        address = str(PODS[next(_numbers) % PODS.num_addresses])
        self._pods[address] = serving, version
        assert self._runner.server
        return address, await asyncio.get_running_loop().create_server(self._runner.server, address, PORT)

    async def _sketches(self, request: web.Request) -> web.Response:
        address: Any = request.transport.get_extra_info("sockname") if request.transport else ("",)
        if address[0] not in self._pods:
            raise web.HTTPNotFound
        serving, version = self._pods[address[0]]
        return web.Response(body=serving.seen(version))


class Serving(Actor):
    """The servers' pods of one namespace, if it has a Gateway. Those of a version in ``failing`` fail every time."""

    def __init__(self, api: Api, mirror: Mirror, namespace: str, servers: Servers) -> None:
        super().__init__(mirror, namespace)
        self._api, self._servers = api, servers
        self.failing: set[int] = set()
        self._placed: set[str] = set()
        self._open: list[asyncio.Server] = []

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for one in self._open:
            one.close()

    def saw(self, plural: str, obj: Object) -> None:
        meta = obj["metadata"]
        version = (meta.get("labels") or {}).get(VERSION)
        if plural != "pods" or version is None or meta["uid"] in self._placed:
            return
        if obj["status"].get("phase") == "Running" and self._mirror.list("gateways", self._namespace):
            self._placed.add(meta["uid"])
            self.start(self._place(meta["name"], version))

    def seen(self, version: str) -> bytes:
        code = 500 if int(version) in self.failing else 200
        requests = Requests({code: REQUESTS}, {bucket(0.01): REQUESTS})
        return write(Sketches(DEPLOYMENT, version, f"sha256:{version}", 0.0, 10.0, REQUESTS, (), requests))

    async def _place(self, name: str, version: str) -> None:
        address, server = await self._servers.listen(self, version)
        self._open.append(server)
        status = {"podIP": address, "podIPs": [{"ip": address}]}
        with contextlib.suppress(AssertionError):  # deleted in between
            await self._api("PATCH", path("pods", self._namespace, name) + "/status", {"status": status})
