from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelyard.engine import artifacts
from modelyard.engine import reads as module
from modelyard.engine.client import ApiClient
from modelyard.engine.plan import (
    Closed,
    Deleted,
    EventsOf,
    Listing,
    Need,
    Page,
    Recorded,
    Result,
    Unavailable,
    Unreadable,
)
from modelyard.engine.reads import Reads
from tests.unit.engine.server import Handler, serving

# MLflow 3.17.2 answers this for an artifact that doesn't exist.
MISSING = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such artifact: 'a/b c.json'"}


async def fact(handler: Handler, uri: str = "mlflow-artifacts:/a/b c.json", times: int = 1, lasts: bool = True) -> Any:
    async with serving(handler) as url:
        client = ApiClient(Configuration())
        reads = Reads(client, url)
        try:
            for _ in range(times):
                answer = (await reads.read([Result(uri, lasts), Result(uri, lasts)]))[Result(uri)]
            return answer
        finally:
            await reads.close()
            await client.close()


async def test_a_document_is_read_once() -> None:
    paths = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({"rows": 3})

    assert await fact(handler, times=3) == {"rows": 3}
    assert paths == ["/api/2.0/mlflow-artifacts/artifacts/a/b c.json"]


async def test_a_document_that_may_be_written_again_is_read_again() -> None:
    answers = iter([web.json_response({"rows": 3}), web.json_response({"rows": 4})])

    async def handler(request: web.Request) -> web.Response:
        return next(answers)

    assert await fact(handler, times=2, lasts=False) == {"rows": 4}


async def test_a_missing_document_is_looked_for_again() -> None:
    answers = iter([web.json_response(MISSING, status=404), web.json_response({"rows": 3})])

    async def handler(request: web.Request) -> web.Response:
        return next(answers)

    assert await fact(handler, times=2) == {"rows": 3}


async def test_a_missing_document_is_none() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(MISSING, status=404)

    assert await fact(handler) is None


async def test_the_store_is_told_who_asks_and_no_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, seen = tmp_path / "token", list[tuple[str, str, str | None]]()
    monkeypatch.setattr(artifacts, "OPERATOR_TOKEN_FILE", str(token))

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.path[-9:], request.headers.get("Authorization")))
        if request.path.endswith("moved"):
            raise web.HTTPTemporaryRedirect(f"{elsewhere}/elsewhere")
        return web.json_response({"files": [], "experiment": {"experiment_id": "1"}, "runs": []})

    async with serving(handler) as url, serving(handler) as elsewhere:
        client, store = ApiClient(Configuration()), "mlflow-artifacts:/modelyard"
        reads = Reads(client, url)
        try:
            await reads.read([Result(f"{store}/no-token")])
            for text in ("first", "second"):
                token.write_text(text)
                await reads.read([Listing(f"{store}/{text}")])
            await reads.read([Recorded(f"{store}/written")])
            await reads.read([Closed("modelyard/team/a", "uid", "FAILED")])
            await reads.read([Result(f"{store}/moved")])
            await reads.read([Page(f"{url}/of-a-pod")])
        finally:
            await reads.close()
            await client.close()
    assert seen == [
        ("GET", "/no-token", None),
        ("GET", "artifacts", "Bearer first"),
        ("GET", "artifacts", "Bearer second"),
        ("PUT", "d/written", "Bearer second"),
        ("GET", "t-by-name", "Bearer second"),
        ("POST", "ns/search", "Bearer second"),
        ("GET", "ard/moved", "Bearer second"),
        ("GET", "elsewhere", None),
        ("GET", "/of-a-pod", None),
    ]


async def test_a_refusal_of_the_operator_says_what_to_look_at() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"error_code": "UNAUTHENTICATED", "message": "no token"}, status=401)

    failure = await fact(handler)
    assert isinstance(failure, Unavailable)
    for text in ("answered 401 to the operator", "no token", "/var/run/secrets/modelyard/token"):
        assert text in failure.message


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (404, b"<html>not found</html>", "answered 404"),
        (500, b"{}", "answered 500"),
        (403, b"Invalid Host header", "answered 403"),
    ],
)
async def test_everything_else_is_unavailable(code: int, body: bytes, says: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=code, body=body)

    failure = await fact(handler)
    assert isinstance(failure, Unavailable)
    assert says in failure.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "unexpected character"),
        (b"\xff\x00", "not valid UTF-8"),
        (b"", "zero-length"),
        (b'"\\ud800"', "surrogate"),
        (b"[" * 900, "line 1 column"),
        (b'{"metrics": NaN}', "unexpected character"),
        (b'"' + b"x" * 2000 + b'"', "longer than 1000 bytes"),
    ],
)
async def test_what_is_no_document_never_becomes_one(body: bytes, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result is written once, so a bad one never improves: it is Unreadable, not Unavailable."""
    monkeypatch.setattr(artifacts, "MAX_BYTES", 1000)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body)

    failure = await fact(handler)
    assert isinstance(failure, Unreadable)
    assert says in failure.message


async def test_a_cut_and_a_silent_store_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    never = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    monkeypatch.setattr(module, "_TIMEOUT", module.aiohttp.ClientTimeout(total=0.1))
    assert isinstance(await fact(cut), Unavailable)
    assert isinstance(await fact(silent), Unavailable)


@pytest.mark.parametrize("uri", ["s3://bucket/a.json", "mlflow-artifacts:/a/../b.json", "mlflow-artifacts:/", "a"])
async def test_other_addresses_are_refused(uri: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise AssertionError("no request is sent")

    failure = await fact(handler, uri)
    assert isinstance(failure, Unreadable)
    assert "mlflow-artifacts:/path" in failure.message


async def test_events_of_an_object_are_asked_for_by_its_uid_and_the_newest_is_last() -> None:
    asked: list[dict[str, str]] = []

    def event(name: str, **times: Any) -> Any:
        return {"metadata": {"name": name, "creationTimestamp": "2026-01-05T10:00:00Z"}, **times}

    async def handler(request: web.Request) -> web.Response:
        asked.append({"path": request.path, **request.query})
        items = [
            event("series", eventTime="2026-01-05T10:00:00Z", series={"lastObservedTime": "2026-01-05T13:00:00Z"}),
            event("older-api", deprecatedLastTimestamp="2026-01-05T12:00:00Z", eventTime=None),
            event("once", eventTime="2026-01-05T11:00:00Z"),
        ]
        return web.json_response({"metadata": {}, "items": items})

    need = EventsOf("team", "u-1", "FailedCreate")
    async with serving(handler) as url:
        configuration = Configuration()
        configuration.host = url
        client = ApiClient(configuration)
        reads = Reads(client, url)
        try:
            events = (await reads.read([need]))[need]
        finally:
            await reads.close()
            await client.close()
    assert [item["metadata"]["name"] for item in events] == ["once", "older-api", "series"]
    assert asked == [
        {
            "path": "/apis/events.k8s.io/v1/namespaces/team/events",
            "limit": "250",
            "fieldSelector": "regarding.uid=u-1,reason=FailedCreate",
        }
    ]


async def answer_to(need: Need, handler: Handler, leads: bool = True) -> Any:
    async with serving(handler) as url:
        client = ApiClient(Configuration())
        reads = Reads(client, url, may_write=lambda: leads)
        try:
            return (await reads.read([need]))[need]
        finally:
            await reads.close()
            await client.close()


async def test_a_folder_is_listed_and_one_that_does_not_exist_is_empty() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append((request.path, request.query["path"]))
        files = [{"path": "1.uid", "is_dir": False, "file_size": 2}]
        return web.json_response({"files": files} if request.query["path"] == "a/b" else {})

    assert await answer_to(Listing("mlflow-artifacts:/a/b"), handler) == ("1.uid",)
    assert await answer_to(Listing("mlflow-artifacts:/a/c"), handler) == ()
    assert asked[0] == ("/api/2.0/mlflow-artifacts/artifacts", "a/b")


@pytest.mark.parametrize("body", [b"[]", b'{"files": 1}', b'{"files": [{}]}', b"<html>"])
async def test_what_is_no_list_is_unavailable_and_never_empty(body: bytes) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body)

    assert isinstance(await answer_to(Listing("mlflow-artifacts:/a"), handler), Unavailable)


async def test_an_entry_is_recorded_by_its_name() -> None:
    written = []

    async def handler(request: web.Request) -> web.Response:
        written.append((request.method, request.path))
        return web.json_response({})

    assert await answer_to(Recorded("mlflow-artifacts:/a/1.uid"), handler) is True
    assert written == [("PUT", "/api/2.0/mlflow-artifacts/artifacts/a/1.uid")]


async def test_a_process_that_no_longer_leads_records_nothing() -> None:
    async def handler(request: web.Request) -> web.Response:
        raise AssertionError

    fact = await answer_to(Recorded("mlflow-artifacts:/a/1.uid"), handler, leads=False)
    assert isinstance(fact, Unavailable)


async def test_an_entry_that_the_store_refuses_is_unavailable() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=507)

    fact = await answer_to(Recorded("mlflow-artifacts:/a/1.uid"), handler)
    assert isinstance(fact, Unavailable)
    assert "507" in fact.message


async def test_folders_that_nobody_reads_are_deleted_and_one_that_is_gone_is_no_error() -> None:
    deleted = []

    async def handler(request: web.Request) -> web.Response:
        deleted.append((request.method, request.path.rpartition("/")[2]))
        gone = {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        return web.json_response(gone, status=404) if request.path.endswith("/1") else web.json_response({})

    need = Deleted(("mlflow-artifacts:/a/1", "mlflow-artifacts:/a/2"))
    assert await answer_to(need, handler) is True
    assert deleted == [("DELETE", "1"), ("DELETE", "2")]
    assert isinstance(await answer_to(need, handler, leads=False), Unavailable)
    assert len(deleted) == 2, "a process that no longer leads deletes nothing"


async def test_a_result_that_was_taken_back_is_none_and_is_read_again() -> None:
    documents = [{"kind": "Superseded"}, {"kind": "Step"}]

    async def handler(request: web.Request) -> web.Response:
        return web.json_response(documents.pop(0))

    assert await fact(handler, times=2) == {"kind": "Step"}
