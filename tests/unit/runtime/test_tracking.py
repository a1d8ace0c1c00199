"""Checks the client for the tracking server against answers as MLflow 3.17 words them, over a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore, Conflict
from modelyard_runtime.pod.tracking import Tracking
from modelyard_runtime.pod.web import Unavailable, Web

ABSENT = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Could not find experiment with name 'e'"})
Answer = Callable[[str, Any], tuple[int, Any]]


class Server:
    """An HTTP server that answers by a function of the path and the document, and keeps the requests."""

    def __init__(self) -> None:
        self.answer: Answer = lambda path, document: (200, {})
        self.requests: list[tuple[str, Any]] = []
        self.is_hasty = False
        """Whether it ends each connection after one answer, without a word."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                document = json.loads(body) if self.command != "PUT" and length else None
                server.requests.append((self.path, document))
                status, answer = server.answer(self.path, document)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_PUT = do_GET

            def handle(self) -> None:
                if server.is_hasty:
                    self.handle_one_request()
                else:
                    super().handle()

            def log_message(self, *_: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def documents(self, end: str) -> list[Any]:
        """Returns the documents of the requests whose path ends so."""
        return [document for path, document in self.requests if path.split("?")[0].endswith(end)]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_a_deleted_experiment_is_restored(server: Server) -> None:
    server.answer = lambda path, _: (
        200,
        {"experiment": {"experiment_id": "7", "lifecycle_stage": "deleted"}} if "get-by-name" in path else {},
    )
    assert Tracking(Web(server.url())).experiment("e") == "7"
    assert server.documents("experiments/restore") == [{"experiment_id": "7"}]


def log(server: Server, params: dict[str, Any], runs: Any, refuse: bool = False) -> list[Any]:
    def answer(path: str, document: Any) -> tuple[int, Any]:
        if path.endswith("runs/search"):
            return 200, {"runs": runs}
        if path.endswith("runs/create"):
            return 200, {"run": {"info": {"run_id": "r"}}}
        if path.endswith("log-batch") and refuse and document["params"]:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Changing param values is not allowed."}
        return 200, {}

    server.answer = answer
    assert Tracking(Web(server.url())).log("7", "n", "u", params, {"r2": 0.5}, {}) == "r"
    return server.documents("runs/log-batch")


def test_odd_keys_are_written_in_characters_that_the_server_takes(server: Server) -> None:
    (batch,) = log(server, {"a[0]": 1, "é/x": 2, "..": 3, "plain": None}, [])
    assert {item["key"]: item["value"] for item in batch["params"]} == {
        "a_0_": "1",
        "__x": "2",
        "_": "3",
        "plain": "None",
    }


def test_parameters_of_an_earlier_try_are_not_written_again(server: Server) -> None:
    runs = [{"info": {"run_id": "r"}, "data": {"params": [{"key": "a", "value": "1"}]}}]
    (batch,) = log(server, {"a": 2, "b": 3}, runs)
    assert batch["params"] == [{"key": "b", "value": "3"}]
    assert not server.documents("runs/create")


def test_refused_parameters_do_not_cost_the_metrics(server: Server) -> None:
    batches = log(server, {"a": 1}, [], refuse=True)
    assert [len(batch["params"]) for batch in batches] == [1, 0]
    assert [batch["metrics"][0]["value"] for batch in batches] == [0.5, 0.5]
    assert server.documents("runs/update")


def test_a_full_connection_pool_is_waited_for(server: Server) -> None:
    full = (400, {"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 reached"})
    server.answer = lambda path, _: full if len(server.requests) < 3 else (200, {"ok": True})
    assert Web(server.url()).json("GET", server.url("/x")) == {"ok": True}
    server.answer = lambda path, _: full
    with pytest.raises(Unavailable, match="QueuePool"):
        Web(server.url(), patience=0.1).json("GET", server.url("/x"))


@pytest.mark.parametrize(
    ("answer", "full"),
    [
        ((507, {"message": "No space left on device"}), True),
        ((503, {"message": "(sqlite3.OperationalError) database or disk is full"}), True),
        ((503, {"message": "starting"}), False),
        ((500, b"Internal Server Error"), False),
    ],
)
def test_a_full_volume_is_told_from_a_server_that_fails(server: Server, answer: tuple[int, Any], full: bool) -> None:
    server.answer = lambda path, _: answer
    with pytest.raises(Unavailable) as caught:
        ArtifactStore(Web(server.url(), patience=0.1)).get("mlflow-artifacts:/a/b")
    assert caught.value.full is full


def test_a_server_that_comes_back_is_waited_for(server: Server) -> None:
    """The port listens again after one second, as after a restart of the server's pod."""
    port = server.http.server_port
    server.http.shutdown()
    server.http.server_close()
    restarted: list[ThreadingHTTPServer] = []

    def back() -> None:
        restarted.append(ThreadingHTTPServer(("127.0.0.1", port), server.http.RequestHandlerClass))
        restarted[0].serve_forever()

    timer = threading.Timer(1.0, back)
    timer.start()
    try:
        assert ArtifactStore(Web(server.url(), patience=20)).get_json("mlflow-artifacts:/a/b") == {}
    finally:
        timer.join(0.1)
        restarted[0].shutdown()
        restarted[0].server_close()


def test_a_connection_that_was_closed_while_it_was_silent_is_opened_anew_without_a_word(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.is_hasty = True
    store = ArtifactStore(Web(server.url(), patience=0))
    for number in range(3):
        store.put("mlflow-artifacts:/a/b", bytes([number]))
    assert len(server.requests) == 3
    assert "asking again" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "says"),
    [(b'{"message": "namespace team has 9 bytes"}', "namespace team has 9 bytes"), (b"<html>", "<html>")],
)
def test_a_store_that_takes_no_more_is_the_users_to_mend(server: Server, body: bytes, says: str) -> None:
    server.answer = lambda path, _: (413, body)
    with pytest.raises(UserError, match=f"/a/b can't be kept: {says}; ask for more, or keep less") as caught:
        ArtifactStore(Web(server.url())).put("mlflow-artifacts:/a/b", b"x")
    assert caught.value.reason == "StorageLimitReached"


def test_what_other_bytes_hold_stays_and_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    store, uri = ArtifactStore(Web(server.url())), "mlflow-artifacts:/a/b"
    server.answer = lambda path, _: (409, b"{}")
    with pytest.raises(Conflict, match="/a/b holds other bytes, which nobody may overwrite; have who runs"):
        store.put(uri, b"x")
    store.put_first(uri, b"x")
    store.put_json_first(uri, {"x": 1})
    assert capsys.readouterr().out.count(f"{uri} was written before, and stays as it is") == 2
    server.answer = lambda path, _: (403, b"no")
    with pytest.raises(Unavailable, match="403"):
        store.put_first(uri, b"x")


@pytest.mark.parametrize("body", [b"<html>default backend - 404</html>", b""])
def test_a_404_of_another_server_is_not_an_empty_store(server: Server, body: bytes) -> None:
    store = ArtifactStore(Web(server.url()))
    server.answer = lambda path, _: (404, body)
    with pytest.raises(Unavailable, match="404"):
        store.get("mlflow-artifacts:/a/b")
    with pytest.raises(Unavailable, match="404"):
        Tracking(store.web).experiment("e")
    server.answer = lambda path, _: ABSENT
    assert store.get("mlflow-artifacts:/a/b") is None


@pytest.mark.parametrize("prefix", ["", "/", "/mlflow", "/mlflow/"])
def test_the_path_of_the_tracking_url_is_kept(server: Server, prefix: str) -> None:
    store = ArtifactStore(Web(server.url(prefix)))
    store.get("mlflow-artifacts:/a/b")
    assert server.requests[0][0] == prefix.rstrip("/") + "/api/2.0/mlflow-artifacts/artifacts/a/b"
