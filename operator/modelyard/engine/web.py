"""Serves the probes and metrics over HTTP: /livez, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from modelyard.engine.metrics import Metrics

Check = Callable[[], tuple[bool, str]]
"""Returns whether the check passes, and the text of the answer."""


class Web:
    def __init__(self, metrics: Metrics, live: Check, ready: Check, port: int, host: str = "") -> None:
        """Without ``host`` it listens on every IPv4 and IPv6 address of the machine. ``port`` 0 picks a free port."""
        self._metrics = metrics
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
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.page(), headers=headers)


def _probe(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        healthy, text = check()
        return web.Response(status=200 if healthy else 503, text=text + "\n")

    return handler
