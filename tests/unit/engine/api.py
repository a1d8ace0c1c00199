"""A small API server that answers a whole operator, with watches whose events a test chooses."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import Any

from aiohttp import web

from modelyard.engine.resource import Object, Resource
from tests.support.proxy import Call

_BACKBONE = {"apiextensions.k8s.io/v1": {"customresourcedefinitions": "CustomResourceDefinition"}}
"""The resources that kopf looks up at its start, whatever it watches."""


class Api:
    """Serves the given kinds and holds no other resource.

    The successive whole lists of a kind have versions 10, 20, ... and hold ``objects``. Each watch of a kind sends the
    next item of ``watches`` and ends; the last watch stays open and sends what ``tell`` is called with. An item that is
    a number makes the watch fail with that HTTP code.
    """

    def __init__(self, *kinds: Resource) -> None:
        self._served: dict[str, dict[str, str]] = defaultdict(dict, _BACKBONE)
        for kind in kinds:
            self._served[kind.api_version][kind.plural] = kind.kind
        self.discovered, self.discoveries = True, 0
        """``discovered`` is whether discovery names the kinds; ``discoveries`` counts the requests for them."""
        self.watches: dict[str, list[list[bytes] | int]] = defaultdict(list)
        self.objects: dict[str, list[Object]] = defaultdict(list)
        self.lists: Counter[str] = Counter()
        self.watched_from: dict[str, list[str]] = defaultdict(list)
        """The resource versions at which watches began, by plural."""
        self.queries: list[dict[str, str]] = []
        """The query parameters of each watch."""
        self.writes: list[Call] = []
        self.lease: Object | None = None
        self._lines: dict[str, asyncio.Queue[bytes]] = defaultdict(asyncio.Queue)

    def tell(self, kind: Resource, *lines: bytes) -> None:
        for line in lines:
            self._lines[kind.plural].put_nowait(line)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(request.method, request.path, json.loads(body) if body else None, dict(request.query))
        if call.is_write:
            self.writes.append(call)
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
            groups = []
            for group_version in self._served:
                group, version = group_version.split("/")
                entry = {"groupVersion": group_version, "version": version}
                groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
            return {"groups": groups}
        kinds = self._served.get(path.removeprefix("/apis/"))
        if kinds and kinds is not _BACKBONE.get(path.removeprefix("/apis/")):
            self.discoveries += 1
            return _resources(kinds if self.discovered else {})
        return _resources(kinds) if kinds else None

    def _take_lease(self, call: Call) -> web.Response:
        if call.method == "GET":
            return web.json_response(self.lease) if self.lease else _error(404)
        version = int(self.lease["metadata"]["resourceVersion"]) + 1 if self.lease else 1
        old = self.lease or {"spec": {}}
        self.lease = {"metadata": {"resourceVersion": str(version)}, "spec": old["spec"] | call.body["spec"]}
        return web.json_response(self.lease)

    def _list(self, call: Call) -> web.Response:
        # A list with limit=1 only asks whether the resource is served: don't count it.
        if call.query.get("limit") != "1":
            self.lists[call.plural] += 1
        meta = {"resourceVersion": str(10 * max(1, self.lists[call.plural]))}
        return web.json_response({"metadata": meta, "items": self.objects[call.plural]})

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        self.queries.append(call.query)
        self.watched_from[call.plural].append(call.query.get("resourceVersion", ""))
        script = self.watches[call.plural].pop(0) if self.watches[call.plural] else []
        if isinstance(script, int):
            return _error(script)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in script:
            await answer.write(piece)
            await asyncio.sleep(0)
        if not self.watches[call.plural]:
            while True:
                await answer.write(await self._lines[call.plural].get())
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
    """Returns an ERROR event, which ends a watch."""
    return event("ERROR", {"kind": "Status", "code": code, "reason": "Because", "message": "of a test"})


def _error(code: int) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "reason": "Because", "message": "no"}, status=code)
