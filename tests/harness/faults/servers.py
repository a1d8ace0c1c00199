"""Plays the model servers behind a Gateway, those of a ModelPool, and Workspaces.

Each of their pods gets an address, at which one program answers what requests the pod has seen, its models, or whose
token it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import itertools
import json
import secrets
import subprocess
from collections.abc import Callable
from typing import Any

from aiohttp import web

from modelyard_api.wire.packing import (
    CATALOGUE_JSON,
    CATALOGUE_PATH,
    Catalogue,
    CatalogueState,
    PackedState,
    catalogue_digest,
)
from modelyard_api.wire.request_counts import Requests, bucket
from modelyard_api.wire.sketches import Sketches, write
from modelyard_api.wire.workspace import HEALTH_PATH, Health
from tests.harness.faults.actor import Actor
from tests.harness.faults.mirror import Mirror
from tests.harness.faults.objects import DEPLOYMENT
from tests.harness.faults.resources import Object, path
from tests.support.api import Api

PORT, VERSION, POOL = 8080, "modelyard.dev/version", "modelyard.dev/modelpool"
WORKSPACE = "modelyard.dev/workspace"
Answer = Callable[[web.Request], bytes | None]
"""Returns one pod's body of an answer; None means that there is nothing at that path."""
PODS = ipaddress.ip_network("198.18.0.0/15")
"""Addresses reserved for benchmarks (RFC 2544), which nothing else of a cluster has."""
REQUESTS = 1000
_numbers = itertools.count(secrets.randbelow(PODS.num_addresses))
"""Starts at a random address, because several programs may play on one cluster."""


def have_addresses() -> None:
    """Makes all addresses of ``PODS`` local to this host; call it in the cluster's network."""
    subprocess.run(["ip", "route", "replace", "local", str(PODS), "dev", "lo"], check=True)


class Servers:
    """The one program behind all servers: it tells the pods apart by the address that a request was sent to."""

    def __init__(self) -> None:
        self._pods: dict[str, Answer] = {}

    async def __aenter__(self) -> Servers:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def listen(self, answer: Answer) -> tuple[str, asyncio.Server]:
        """Serves a pod's answers at a new address, and returns the address with its server."""
        address = str(PODS[next(_numbers) % PODS.num_addresses])
        self._pods[address] = answer
        assert self._runner.server
        return address, await asyncio.get_running_loop().create_server(self._runner.server, address, PORT)

    async def _answer(self, request: web.Request) -> web.Response:
        address: Any = request.transport.get_extra_info("sockname") if request.transport else ("",)
        if address[0] not in self._pods:
            raise web.HTTPNotFound
        if (body := self._pods[address[0]](request)) is None:
            raise web.HTTPNotFound
        return web.Response(body=body)


class Serving(Actor):
    """Plays the server pods of one namespace: a ModelPool's, a Workspace's, and with a Gateway also those of
    ModelDeployments.

    Pods of a version in ``failing`` report that every request failed, and Workspaces that people in ``absent`` have no
    token.
    """

    def __init__(self, api: Api, mirror: Mirror, namespace: str, servers: Servers) -> None:
        super().__init__(mirror, namespace)
        self._api, self._servers = api, servers
        self.failing: set[int] = set()
        self.absent: set[str] = set()
        self._placed: set[str] = set()
        self._open: list[asyncio.Server] = []

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for server in self._open:
            server.close()

    def on_change(self, plural: str, obj: Object) -> None:
        meta = obj["metadata"]
        labels = meta.get("labels") or {}
        if plural != "pods" or meta["uid"] in self._placed or obj["status"].get("phase") != "Running":
            return
        if (pool := labels.get(POOL)) is not None:
            answer: Answer = functools.partial(self._catalogue_state, pool)
        elif (workspace := labels.get(WORKSPACE)) is not None:
            answer = functools.partial(self._health, workspace)
        elif (version := labels.get(VERSION)) is not None and self._mirror.list("gateways", self._namespace):
            answer = functools.partial(self._sketches, version)
        else:
            return
        self._placed.add(meta["uid"])
        self.start(self._place(meta["name"], answer))

    def _catalogue_state(self, pool: str, request: web.Request) -> bytes | None:
        """Reports every model of the catalogue as Ready, as soon as the catalogue is written."""
        catalogue = self._mirror.get("configmaps", self._namespace, f"{pool}-pool")
        if request.path != CATALOGUE_PATH or catalogue is None:
            return None
        text = catalogue["data"][CATALOGUE_JSON]
        name = request.query.get("name")
        models = [
            PackedState(
                name=model.name,
                number=model.versions[0].number,
                digest=model.versions[0].digest,
                state="Ready",
                serving=model.versions[0].number,
            )
            for model in Catalogue.model_validate_json(text).models
            if name in (None, model.name)
        ]
        return json.dumps(CatalogueState(digest=catalogue_digest(text), models=models).wire()).encode()

    def _health(self, workspace: str, request: web.Request) -> bytes | None:
        obj = self._mirror.get("workspaces", self._namespace, workspace)
        if request.path != HEALTH_PATH or obj is None:
            return None
        people = [person["name"] for person in obj["spec"]["people"] if person["name"] not in self.absent]
        return Health(people=people).model_dump_json().encode()

    def _sketches(self, version: str, request: web.Request) -> bytes | None:
        if not request.path.endswith("/sketches"):
            return None
        code = 500 if int(version) in self.failing else 200
        requests = Requests({code: REQUESTS}, {bucket(0.01): REQUESTS})
        return write(Sketches(DEPLOYMENT, version, f"sha256:{version}", 0.0, 10.0, REQUESTS, (), requests))

    async def _place(self, name: str, answer: Answer) -> None:
        address, server = await self._servers.listen(answer)
        self._open.append(server)
        status = {"podIP": address, "podIPs": [{"ip": address}]}
        with contextlib.suppress(AssertionError):  # the pod was deleted in between
            await self._api("PATCH", path("pods", self._namespace, name) + "/status", {"status": status})
