"""A small API server: what a whole operator asks for, and watches that tell what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import Any

from aiohttp import web

from modelyard.engine.resource import Object, Resource
from tests.support.proxy import Call

_BACKBONE = {"apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"}}
"""What kopf looks for at its start, whatever it watches."""


class Api:
    """Serves these kinds; of every other resource it holds nothing.

    The whole lists of a kind are of version 10, 20, ... and hold ``objects``. Each watch of a kind tells the next of
    ``watches`` and ends; the last one stays open and tells what ``tell`` is called with. A number instead is an answer
    of that code.
    """

    def __init__(self, *kinds: Resource) -> None:
        self._served: dict[str, dict[str, str]] = defaultdict(dict, _BACKBONE)
        for kind in kinds:
            self._served[kind.api_version][kind.plural] = kind.kind
        self.watches: dict[str, list[list[bytes] | int]] = defaultdict(list)
        self.objects: dict[str, list[Object]] = defaultdict(list)
        self.lists: Counter[str] = Counter()
        self.asked: dict[str, list[str]] = defaultdict(list)
        """Plural -> the versions that watches were begun at."""
        self.queries: list[dict[str, str]] = []
        """Of watches."""
        self.written: list[Call] = []
        self.lease: Object | None = None
        self._told: dict[str, asyncio.Queue[bytes]] = defaultdict(asyncio.Queue)

    def tell(self, kind: Resource, *lines: bytes) -> None:
        for line in lines:
            self._told[kind.plural].put_nowait(line)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(request.method, request.path, json.loads(body) if body else None, dict(request.query))
        if call.is_write:
            self.written.append(call)
            return web.json_response({"metadata": {"resourceVersion": "1"}})
        if call.plural == "leases":
            return self._take_lease(call)
        if discovered := self._discovery(request.path):
            return web.json_response(discovered)
        if call.verb == "watch":
            return await self._watch(request, call)
        return self._list(call) if call.verb == "list" else _error(404)

    def _discovery(self, path: str) -> Object | None:
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/api/v1":
            return _resources({"namespaces": "Namespace"})
        if path == "/apis":
            versions = [{"groupVersion": one, "version": one.split("/")[1]} for one in self._served]
            groups = [(one["groupVersion"].split("/")[0], one) for one in versions]
            return {"groups": [{"name": name, "versions": [one], "preferredVersion": one} for name, one in groups]}
        found = self._served.get(path.removeprefix("/apis/"))
        return _resources(found) if found else None

    def _take_lease(self, call: Call) -> web.Response:
        if call.method == "GET":
            return web.json_response(self.lease) if self.lease else _error(404)
        version = int(self.lease["metadata"]["resourceVersion"]) + 1 if self.lease else 1
        old = self.lease or {"spec": {}}
        self.lease = {"metadata": {"resourceVersion": str(version)}, "spec": old["spec"] | call.body["spec"]}
        return web.json_response(self.lease)

    def _list(self, call: Call) -> web.Response:
        # One with a limit of 1 only asks whether the resource is there.
        if call.query.get("limit") != "1":
            self.lists[call.plural] += 1
        meta = {"resourceVersion": str(10 * max(1, self.lists[call.plural]))}
        return web.json_response({"metadata": meta, "items": self.objects[call.plural]})

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        self.queries.append(call.query)
        self.asked[call.plural].append(call.query.get("resourceVersion", ""))
        told = self.watches[call.plural].pop(0) if self.watches[call.plural] else []
        if isinstance(told, int):
            return _error(told)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in told:
            await answer.write(piece)
            await asyncio.sleep(0)
        if not self.watches[call.plural]:
            while True:
                await answer.write(await self._told[call.plural].get())
        return answer


def _resources(kinds: dict[str, str]) -> Object:
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    common = {"namespaced": True, "verbs": verbs}
    return {
        "resources": [
            {"name": name, "kind": kind, "singularName": kind.lower(), **common} for name, kind in kinds.items()
        ]
    }


def event(type_: str, obj: Any) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


def error(code: int) -> bytes:
    """An event that ends a watch."""
    return event("ERROR", {"kind": "Status", "code": code, "reason": "Because", "message": "of a test"})


def _error(code: int) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "reason": "Because", "message": "no"}, status=code)
