"""Checks on a real connection that the runtime says who it is to the tracking server, with the newest token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modelyard_runtime.pod import web as module
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Refused, Web

URI = "mlflow-artifacts:/modelyard/team/1/model.json"


class Guard:
    """A server that keeps what each request says of its sender, and answers them all alike."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []
        self.status, self.headers = 200, dict[str, str]()
        guard = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                guard.seen.append(self.headers["Authorization"])
                data = b'{"error_code": "PERMISSION_DENIED", "message": "pod x may not"}'
                self.send_response(guard.status)
                for name, value in {"Content-Length": str(len(data)), **guard.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


def test_the_newest_token_is_sent_and_none_without_a_file(guard: Guard, tmp_path: Path) -> None:
    token = tmp_path / "token"
    store = ArtifactStore(Web(guard.url, token=token))
    store.get(URI)
    for text in ("first", "second\n"):
        token.write_text(text)
        store.get(URI)
    ArtifactStore(Web(guard.url, token=None)).get(URI)
    assert guard.seen == [None, "Bearer first", "Bearer second", None]


def test_no_other_host_gets_it(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine")
    other = Guard()
    try:
        guard.status, guard.headers = 307, {"Location": f"{other.url}/elsewhere"}
        with pytest.raises(module.Unavailable, match="307"):
            ArtifactStore(Web(guard.url, token=tmp_path / "token")).get(URI)
        assert (len(guard.seen), other.seen) == (1, [])
    finally:
        other.close()


@pytest.mark.parametrize(
    ("status", "says"), [(401, "that the nodes' clocks are right"), (403, "use images of the operator's release")]
)
def test_a_refusal_is_told_at_once(guard: Guard, status: int, says: str) -> None:
    guard.status = status
    with pytest.raises(Refused) as caught:
        ArtifactStore(Web(guard.url, patience=60)).get(URI)
    assert len(guard.seen) == 1, "asking again can't help"
    for text in ("GET http://", "/team/1/model.json", f"{status} {{", "pod x may not", says):
        assert text in str(caught.value)
