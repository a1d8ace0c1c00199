"""Checks the probes, and who may read the metrics: the right to is asked of the API server, by each client's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine import access as module
from modelyard.engine import web as pages
from modelyard.engine.access import KEPT_SECONDS, Access, Unknown
from modelyard.engine.client import ApiClient
from modelyard.engine.metrics import Metrics
from modelyard.engine.web import Web
from tests.unit.engine.server import serving

USERS = {"scraper": "system:serviceaccount:metrics:prometheus", "tenant": "system:serviceaccount:team:default"}


class Api:
    """Knows two tokens, of which one may read the metrics. ``down`` makes it fail."""

    def __init__(self) -> None:
        self.down = False
        self.asked: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return web.json_response({"message": "down"}, status=403)
        spec = (await request.json())["spec"]
        self.asked.append(spec)
        if request.path.endswith("/tokenreviews"):
            user = {"username": USERS.get(spec["token"]), "groups": ["system:serviceaccounts"], "uid": "u"}
            known = spec["token"] in USERS
            return web.json_response({"status": {"authenticated": known, **({"user": user} if known else {})}})
        assert spec["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
        assert spec["groups"] == ["system:serviceaccounts"]
        return web.json_response({"status": {"allowed": spec["user"] == USERS["scraper"]}})


@asynccontextmanager
async def access(api: Api, clock: Any = lambda: 0.0) -> AsyncIterator[Access]:
    async with serving(api.answer) as url:
        client = ApiClient(Configuration(host=url))
        try:
            yield Access(client, "/metrics", clock)
        finally:
            await client.close()


@pytest.mark.parametrize(("token", "code"), [("scraper", 200), ("tenant", 403), ("nobody", 401)])
async def test_the_api_server_decides_who_reads(token: str, code: int) -> None:
    async with access(Api()) as who:
        assert await who.code(token) == code


async def test_a_verdict_is_asked_for_again_after_its_time_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    api, now = Api(), [0.0]
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    async with access(api, lambda: now[0]) as who:
        await who.code("scraper")
        await who.code("scraper")
        assert len(api.asked) == 2, "one for who it is, one for what it may do"
        now[0] = KEPT_SECONDS + 1
        await who.code("scraper")
        assert len(api.asked) == 4
        for token in ("a", "b"):
            await who.code(token)
        await who.code("scraper")
        assert len(api.asked) == 8, "two others have pushed it out"


async def test_nobody_reads_while_the_api_server_can_not_say() -> None:
    api = Api()
    api.down = True
    async with access(api) as who:
        with pytest.raises(Unknown):
            await who.code("scraper")
        api.down = False
        assert await who.code("scraper") == 200, "what could not be said is not kept"


async def ask(session: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str]:
    async with session.get(path, headers=headers) as answer:
        return answer.status, await answer.text()


@asynccontextmanager
async def served(api: Api, answers: dict[str, Any]) -> AsyncIterator[aiohttp.ClientSession]:
    async with access(api) as who:
        server = Web(Metrics(), who, lambda: answers["live"], lambda: answers["ready"], port=0, host="127.0.0.1")
        await server.start()
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
                yield session
        finally:
            await server.close()


async def test_probes_and_metrics_answer_on_the_loopback() -> None:
    answers = {"live": (True, "fine"), "ready": (False, "starting")}
    async with served(Api(), answers) as session:
        assert await ask(session, "/livez") == (200, "fine\n")
        assert await ask(session, "/readyz") == (503, "starting\n")
        answers["ready"] = (True, "leading")
        assert await ask(session, "/readyz") == (200, "leading\n")
        code, page = await ask(session, "/metrics")
        assert code == 200
        assert "modelyard_queue_depth 0.0" in page
        for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "python_info"):
            assert f"\n{name}" in page


async def test_others_need_a_token_with_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_is_loopback", lambda address: False)
    api = Api()
    async with served(api, {"live": (True, ""), "ready": (True, "")}) as session:
        for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}):
            code, text = await ask(session, "/metrics", **headers)
            assert (code, text) == (401, "send a token: Authorization: Bearer ...\n")
        assert (await ask(session, "/metrics", Authorization="Bearer nobody"))[0] == 401
        code, text = await ask(session, "/metrics", Authorization="Bearer tenant")
        assert (code, text) == (403, "bind ClusterRole modelyard-metrics to the account that asks\n")
        code, page = await ask(session, "/metrics", Authorization="Bearer scraper")
        assert code == 200
        assert "modelyard_queue_depth" in page
        api.down = True
        assert (await ask(session, "/metrics", Authorization="Bearer other"))[0] == 503
        assert (await ask(session, "/livez"))[0] == 200, "the kubelet has no token"


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [
        ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False), ("fe80::1", False), ("", False), (None, False), ("localhost", False),
    ],
)  # fmt: skip
def test_what_is_the_loopback(address: str | None, is_loopback: bool) -> None:
    assert pages._is_loopback(address) is is_loopback
