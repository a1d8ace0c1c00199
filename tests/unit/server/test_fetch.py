"""Checks the init container against a real HTTP server: whatever the store does, only the right bytes are kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelyard_api.wire.result import Error, Failed
from modelyard_server import fetch as fetching
from modelyard_server.say import MAX_BYTES, last_words
from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import free_port, running

FOLDER = "modelyard/team/1234/abcd ef"
URI = f"mlflow-artifacts:/{FOLDER}"
PREFIX = "/api/2.0/mlflow-artifacts/artifacts/modelyard/team/1234/abcd%20ef/"


class Store:
    """Serves a folder as the artifact proxy does; ``trouble`` may answer a request instead, and then returns True."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.trouble: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                store.requests.append(self.path)
                if store.trouble(self):
                    return
                file = store.folder / self.path.removeprefix(PREFIX)
                if not self.path.startswith(PREFIX) or not file.is_file():
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(file.stat().st_size))
                self.end_headers()
                self.wfile.write(file.read_bytes())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def store(iris: StoredModel) -> Iterator[Store]:
    store = Store(iris.folder)
    yield store
    store.close()


class Fetch:
    """Runs ``python -m modelyard_server fetch`` into one folder."""

    def __init__(self, scratch: Path) -> None:
        self.to = scratch / "model"
        self.termination_log = scratch / "termination"
        self.termination_log.touch()

    def start(self, url: str, digest: str, *arguments: str, uri: str = URI) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "modelyard_server", "fetch", "--uri", uri, "--digest", digest]
        command += [
            "--tracking-url",
            url,
            "--to",
            str(self.to),
            "--termination-log",
            str(self.termination_log),
            *arguments,
        ]
        # Name a proxy that doesn't exist: the store is in the cluster and must be asked directly.
        environment = os.environ | {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, url: str, digest: str, *arguments: str, uri: str = URI) -> tuple[int, str]:
        process = self.start(url, digest, *arguments, uri=uri)
        out, _ = process.communicate(timeout=60)
        assert "Traceback" not in out, out
        return process.returncode, out

    @property
    def error(self) -> Error:
        """Returns the error in the termination message, as the operator reads it."""
        return Failed.model_validate_json(self.termination_log.read_bytes()).error

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.to.iterdir()) if self.to.exists() else []


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return Fetch(tmp_path)


def test_what_is_fetched_is_served(iris: StoredModel, store: Store, fetch: Fetch, tmp_path: Path) -> None:
    code, out = fetch.run(store.url, iris.digest)
    assert code == 0, out
    assert store.requests == [PREFIX + "model.json", PREFIX + "model.onnx"]
    assert fetch.files == ["model.json", "model.onnx"], "and no file that is half written"
    assert fetch.termination_log.read_text() == ""
    with running(fetch.to, tmp_path):
        pass


def test_a_model_that_is_there_is_not_fetched_again(iris: StoredModel, store: Store, fetch: Fetch) -> None:
    assert fetch.run(store.url, iris.digest)[0] == 0
    store.close()
    code, out = fetch.run(store.url, iris.digest)
    assert code == 0, out
    assert "already" in out


def test_a_damaged_or_another_model_is_replaced(iris: StoredModel, store: Store, fetch: Fetch) -> None:
    fetch.to.mkdir()
    write_manifest(fetch.to, iris.manifest | {"task": "Regression"})
    (fetch.to / "model.onnx").write_bytes(b"damaged")
    assert fetch.run(store.url, iris.digest)[0] == 0
    for name in ("model.json", "model.onnx"):
        assert (fetch.to / name).read_bytes() == (iris.folder / name).read_bytes()


@pytest.mark.parametrize("changed", ["model.json", "model.onnx", "longer", "shorter"])
def test_other_bytes_are_refused(iris: StoredModel, tmp_path: Path, fetch: Fetch, changed: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("model.json", "model.onnx"):
        (other / name).write_bytes((iris.folder / name).read_bytes())
    if changed == "model.json":
        write_manifest(other, iris.manifest | {"task": "Regression"})
    else:
        data = (other / "model.onnx").read_bytes()
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        changes = {"model.onnx": flipped, "longer": data + b"x" * 5_000_000, "shorter": data[:-1]}
        (other / "model.onnx").write_bytes(changes[changed])
    store = Store(other)
    try:
        code, out = fetch.run(store.url, iris.digest)
    finally:
        store.close()
    assert code == 2, out
    assert "model.json" not in fetch.files, "so that nothing can be served"
    assert fetch.error.reason == "DigestMismatch"
    message = fetch.error.message
    digest = iris.digest if changed == "model.json" else iris.manifest["fileDigest"]
    assert message.startswith("cannot fetch the model: mlflow-artifacts:/")
    assert digest in message
    assert "has digest sha256:" in message
    assert len(store.requests) <= 2, "trying again can't help"


@pytest.mark.parametrize(
    ("uri", "reason", "message"),
    [
        ("mlflow-artifacts:/modelyard/nothing/here", "ArtifactMissing", "answers HTTP 404 Not Found: the stored bytes"),
        ("s3://bucket/model", "InvalidURI", "only mlflow-artifacts:/... is known"),
        ("mlflow-artifacts:/modelyard/../secret", "InvalidURI", "'..' parts are not allowed"),
    ],
)
def test_an_address_that_is_wrong(
    iris: StoredModel, store: Store, fetch: Fetch, uri: str, reason: str, message: str
) -> None:
    code, _ = fetch.run(store.url, iris.digest, uri=uri)
    assert code == 2
    assert fetch.error.reason == reason
    assert message in fetch.error.message


def test_a_store_that_refuses_does_not_make_the_bytes_lost(iris: StoredModel, store: Store, fetch: Fetch) -> None:
    store.trouble = lambda handler: handler.send_error(403) is None
    assert fetch.run(store.url, iris.digest)[0] == 2
    assert fetch.error.reason == "TrackingRefused"
    assert "answers HTTP 403" in fetch.error.message
    assert "has a token in /modelyard/identity/token" in fetch.error.message
    assert len(store.requests) == 1, "asking again can't help"


def test_the_store_is_told_who_asks_and_no_other_host(
    iris: StoredModel, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str | None]] = []
    other = Store(iris.folder)

    def see(who: str) -> Callable[[BaseHTTPRequestHandler], bool]:
        return lambda handler: seen.append((who, handler.headers["Authorization"])) is not None

    def elsewhere(handler: BaseHTTPRequestHandler) -> bool:
        see("store")(handler)
        handler.send_response(307)
        handler.send_header("Location", f"{other.url}{handler.path}")
        handler.end_headers()
        return True

    monkeypatch.setattr(fetching, "TOKEN_FILE", str(tmp_path / "token"))
    try:
        store.trouble = see("store")
        (tmp_path / "token").write_text("first")
        fetching.bring(URI, iris.digest, store.url, tmp_path / "a", 5)
        (tmp_path / "token").write_text("second")
        store.trouble, other.trouble = elsewhere, see("other")
        fetching.bring(URI, iris.digest, store.url, tmp_path / "b", 5)
    finally:
        other.close()
    assert seen == [("store", "Bearer first")] * 2 + [("store", "Bearer second"), ("other", None)] * 2


def test_a_long_message_stays_a_document(tmp_path: Path) -> None:
    log = tmp_path / "termination"
    log.touch()
    last_words('"ü\n' * 2000, log, "InvalidModel")
    assert MAX_BYTES - 16 < len(log.read_bytes()) <= MAX_BYTES
    assert Failed.model_validate_json(log.read_bytes()).error.message.startswith('"ü\n"')


@pytest.mark.parametrize("file", ["../model.onnx", "/etc/passwd", "model.json", ""])
def test_a_manifest_cannot_name_a_file_elsewhere(iris: StoredModel, tmp_path: Path, fetch: Fetch, file: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    digest = write_manifest(other, iris.manifest | {"file": file})
    store = Store(other)
    try:
        code, _ = fetch.run(store.url, digest)
    finally:
        store.close()
    assert code == 2
    assert "must be the plain name of a file beside it" in fetch.error.message


def test_a_manifest_that_is_none(tmp_path: Path, fetch: Fetch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    digest = write_manifest(other, {"format": "ONNX"})
    store = Store(other)
    try:
        code, _ = fetch.run(store.url, digest)
    finally:
        store.close()
    assert code == 2
    assert "is not a model's manifest: task" in fetch.error.message


def test_a_store_that_restarts_is_waited_for(iris: StoredModel, fetch: Fetch) -> None:
    port = free_port()
    process = fetch.start(f"http://127.0.0.1:{port}", iris.digest)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "trying again" in line, "progress is said while it waits"
    store = Store(iris.folder, port)
    failed: list[str] = []

    def trouble(handler: BaseHTTPRequestHandler) -> bool:
        if len(failed) >= 4:
            return False
        failed.append(handler.path)
        if len(failed) == 1:
            handler.send_error(503)
        elif len(failed) == 2:
            handler.close_connection = True  # no answer at all
        else:  # an answer that is cut off
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"{")
            handler.close_connection = True
        return True

    store.trouble = trouble
    try:
        out, _ = process.communicate(timeout=60)
    finally:
        store.close()
    assert process.returncode == 0, out
    assert len(failed) == 4
    assert "HTTP 503" in out
    assert (fetch.to / "model.onnx").read_bytes() == (iris.folder / "model.onnx").read_bytes()


def test_a_store_that_stays_away_is_given_up(iris: StoredModel, fetch: Fetch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out = fetch.run(url, iris.digest, "--give-up-after", "1")
    assert code == 1
    assert "trying again" in out
    assert fetch.error.reason == "TrackingUnavailable"
    message = fetch.error.message
    assert message.startswith(f"cannot fetch the model: {url}")
    assert "did not answer for 1 s" in message
    assert "Connection refused" in message


def test_a_folder_that_cannot_be_written(iris: StoredModel, store: Store, fetch: Fetch) -> None:
    fetch.to.write_text("a file")
    code, _ = fetch.run(store.url, iris.digest)
    assert code == 1
    assert f"cannot write the model to {fetch.to}" in fetch.error.message


def test_the_manifest_is_read_by_the_contract(iris: StoredModel) -> None:
    """The manifest that the tests serve is what the contract writes: in camelCase, without unset fields."""
    assert json.loads((iris.folder / "model.json").read_bytes()) == iris.manifest
    assert {"fileDigest", "fileBytes", "layout", "signature", "example"} <= set(iris.manifest)
