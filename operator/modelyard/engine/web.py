"""Serves the probes and metrics over HTTP: /livez, /readyz, /metrics.

The metrics name objects of all namespaces, so whoever reads them needs the right to, as for the API server's own
metrics. The pod's own loopback is open: ``kubectl port-forward`` comes from there, which Kubernetes authorises.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web

from modelyard.engine.access import Access, Unknown
from modelyard.engine.metrics import Metrics

Check = Callable[[], tuple[bool, str]]
"""Returns whether the check passes, and the text of the answer."""


class Web:
    def __init__(self, metrics: Metrics, access: Access, live: Check, ready: Check, port: int, host: str = "") -> None:
        """Without ``host`` it listens on every IPv4 and IPv6 address of the machine. ``port`` 0 picks a free port."""
        self._metrics, self._access = metrics, access
        self._host, self._port = host or None, port
        app = web.Application()
        app.router.add_get("/metrics", self._metrics_page)
        app.router.add_get("/livez", _probe(live))
        app.router.add_get("/readyz", _probe(ready))
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, reuse_address=True).start()

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _metrics_page(self, request: web.Request) -> web.Response:
        if not _is_loopback(request.remote) and (refusal := await self._refusal(request)):
            return refusal
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.page(), headers=headers)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _refused(401, "send a token: Authorization: Bearer ...")
        try:
            code = await self._access.code(token.strip())
        except Unknown as error:
            return _refused(503, f"the API server can't say who asks: {error}")
        if code == 401:
            return _refused(401, "the API server doesn't know this token")
        return _refused(403, "bind ClusterRole modelyard-metrics to the account that asks") if code != 200 else None


def _is_loopback(address: str | None) -> bool:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _refused(code: int, text: str) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if code == 401 else {}
    return web.Response(status=code, text=text + "\n", headers=headers)


def _probe(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        healthy, text = check()
        return web.Response(status=200 if healthy else 503, text=text + "\n")

    return handler
