from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine import anyjson
from modelyard.engine import client as module
from modelyard.engine.client import ApiClient, ApiError
from tests.unit.engine.objects import WIDGETS, widget
from tests.unit.engine.server import serving

Answer = tuple[int, Any, dict[str, str]] | None


class Scripted:
    """Gives the answers in turn, the last one for ever; None means that the connection is cut."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "type": request.headers.get("Content-Type", ""),
                "body": json.loads(body) if body else None,
            }
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        code, document, headers = answer
        return web.json_response(document, status=code, headers=headers)


def failure(code: int, reason: str, message: str = "no", **headers: str) -> Answer:
    document = {"kind": "Status", "reason": reason, "message": message, "code": code}
    return code, document, {key.replace("_", "-"): value for key, value in headers.items()}


OK: Answer = (200, {"metadata": {"name": "a"}}, {})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)


async def run(script: Scripted, call: Any) -> tuple[Any, Counter[tuple[str, int]]]:
    counts: Counter[tuple[str, int]] = Counter()
    async with serving(script) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration, lambda request, code: counts.update([(request.verb, code)]))
        try:
            return await call(client), counts
        finally:
            await client.close()


@pytest.mark.parametrize(
    "first",
    [
        failure(429, "TooManyRequests"),
        failure(500, "InternalError"),
        failure(503, "ServiceUnavailable"),
        None,
        (502, "a proxy's page", {}),
    ],
)
async def test_passing_failures_are_tried_again(first: Answer) -> None:
    script = Scripted(first, OK)
    answer, counts = await run(script, lambda client: client.apply(WIDGETS, manifest()))
    assert answer == {"metadata": {"name": "a"}}
    assert counts == {("apply", first[0] if first else 0): 1, ("apply", 200): 1}
    assert script.requests[0] == script.requests[1]


async def test_retry_after_is_kept() -> None:
    started = time.monotonic()
    await run(Scripted(failure(429, "TooManyRequests", Retry_After="1"), OK), get)
    assert time.monotonic() - started >= 1


async def test_a_long_retry_after_is_left_to_the_queue() -> None:
    script = Scripted(failure(429, "TooManyRequests", Retry_After="30"))
    with pytest.raises(ApiError) as caught:
        await run(script, get)
    assert caught.value.retry_after == 30
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("code", "reason"), [(403, "Forbidden"), (409, "Conflict"), (410, "Expired"), (422, "Invalid")]
)
async def test_lasting_failures_are_not(code: int, reason: str) -> None:
    script = Scripted(failure(code, reason, "because"))
    with pytest.raises(ApiError) as caught:
        await run(script, get)
    assert (caught.value.code, caught.value.reason, caught.value.message) == (code, reason, "because")
    assert len(script.requests) == 1


async def test_it_gives_up() -> None:
    with pytest.raises(ApiError) as caught:
        await run(Scripted(None), get)
    assert (caught.value.code, caught.value.reason) == (0, "Unreachable")
    script = Scripted(failure(503, "ServiceUnavailable"))
    with pytest.raises(ApiError):
        await run(script, get)
    assert len(script.requests) == module.ATTEMPTS


async def test_what_is_sent() -> None:
    script = Scripted(OK)

    async def calls(client: ApiClient) -> None:
        await client.apply(WIDGETS, manifest())
        await client.create(WIDGETS, manifest())
        await client.patch(WIDGETS, "one", "a", {"status": {"x": None}}, "status")
        await client.delete(WIDGETS, "one", "a", "uid-a")

    await run(script, calls)
    root = "/apis/modelyard.dev/v1alpha1/namespaces/one/widgets"
    full = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Widget", **manifest()}
    manager = {"fieldManager": "modelyard"}
    apply, create, patch, delete = script.requests
    assert apply == {
        "method": "PATCH",
        "path": f"{root}/a",
        "query": {**manager, "force": "true"},
        "type": "application/apply-patch+yaml",
        "body": full,
    }
    assert (create["method"], create["path"], create["body"]) == ("POST", root, full)
    assert (patch["path"], patch["type"]) == (f"{root}/a/status", "application/merge-patch+json")
    assert patch["body"] == {"status": {"x": None}}
    assert delete["body"] == {"preconditions": {"uid": "uid-a"}, "propagationPolicy": "Background"}


async def test_what_is_applied_is_yaml_too() -> None:
    """The API server parses an apply as YAML, where control characters are illegal and some others end a line."""
    odd = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA1), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF, 0x1F642)))
    manifest = widget("a", 1, text=f"a {odd} b", **{odd: "as a key"})
    received: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.json_response(manifest)

    async with serving(handler) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        await client.apply(WIDGETS, manifest)
        await client.close()
    (body,) = received
    sent = {"apiVersion": WIDGETS.api_version, "kind": WIDGETS.kind, **manifest}
    assert yaml.safe_load(body) == json.loads(body) == sent


@pytest.mark.parametrize(
    ("answer", "remains"),
    [
        ((200, {"kind": "Status", "status": "Success", "details": {"uid": "uid-a"}}, {}), False),
        ((200, {"kind": "Widget", "metadata": {"deletionTimestamp": "now"}}, {}), True),
        (failure(404, "NotFound"), False),
        (failure(409, "Conflict", "Precondition failed: UID in precondition: uid-a, UID in object meta: uid-b"), False),
    ],
)
async def test_delete_says_whether_it_is_gone(answer: Answer, remains: bool) -> None:
    ending, _ = await run(Scripted(answer), lambda client: client.delete(WIDGETS, "one", "a", "uid-a"))
    assert (ending is not None) is remains


async def test_pages_follow_the_token() -> None:
    pages = [(200, {"metadata": {"resourceVersion": "7", "continue": "x"}, "items": [1]}, {}),
             (200, {"metadata": {"resourceVersion": "7"}, "items": [2]}, {})]  # fmt: skip
    script = Scripted(*pages)

    async def items(client: ApiClient) -> list[int]:
        return [item async for page in client.pages(WIDGETS, None, "a=b", size=1) for item in page["items"]]

    assert (await run(script, items))[0] == [1, 2]
    assert [request["query"] for request in script.requests] == [
        {"limit": "1", "labelSelector": "a=b"},
        {"limit": "1", "labelSelector": "a=b", "continue": "x"},
    ]


def manifest() -> dict[str, Any]:
    return {"metadata": {"namespace": "one", "name": "a"}, "spec": {"size": 1}}


async def get(client: ApiClient) -> Any:
    return await client.get(WIDGETS, "one", "a")


async def test_an_answer_of_any_depth_is_read() -> None:
    """An object nested too deep for any JSON library must not keep the others from being listed."""
    item = b'{"metadata": {"name": "a"}, "spec": {"params": ' + b"[" * 9000 + b"]" * 9000 + b"}}"

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b'{"metadata": {"resourceVersion": "7"}, "items": [' + item + b"]}")

    limit = sys.getrecursionlimit()
    anyjson.allow_depth()
    try:
        async with serving(handler) as url:
            configuration = Configuration()
            configuration.host = url
            client = ApiClient(configuration)
            (page,) = [page async for page in client.pages(WIDGETS)]
            await client.close()
    finally:
        sys.setrecursionlimit(limit)
    assert page["items"][0]["metadata"] == {"name": "a"}


async def test_a_write_is_not_sent_when_it_may_not_be() -> None:
    sent: list[str] = []
    held = True

    async def handler(request: web.Request) -> web.Response:
        sent.append(request.method)
        return web.json_response({"metadata": {"resourceVersion": "1"}})

    async with serving(handler) as host:
        client = ApiClient(Configuration(host=host), may_write=lambda: held)
        try:
            await client.create(WIDGETS, widget("one", 1))
            held = False
            with pytest.raises(ApiError, match="NotLeading"):
                await client.create(WIDGETS, widget("one", 1))
            await client.get(WIDGETS, "ns", "one")
        finally:
            await client.close()
    assert sent == ["POST", "GET"]
