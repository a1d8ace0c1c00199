"""Probes and metrics over HTTP: /livez, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from modelyard.engine.metrics import Metrics

Check = Callable[[], tuple[bool, str]]
"""Says whether all is well, and what is."""


class Web:
    def __init__(self, metrics: Metrics, live: Check, ready: Check, port: int, host: str = "") -> None:
        """Without ``host`` it listens on every address of the machine, IPv6 ones too; ``port`` 0: a free one."""
        self._metrics = metrics
        self._host, self._port = host or None, port
        app = web.Application()
        app.router.add_get("/metrics", self._page)
        app.router.add_get("/livez", _answer(live))
        app.router.add_get("/readyz", _answer(ready))
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, reuse_address=True).start()

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.page(), headers=headers)


def _answer(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        well, text = check()
        return web.Response(status=200 if well else 503, text=text + "\n")

    return handler
