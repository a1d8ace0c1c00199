"""Checks uploads of pods: whole or not at all, once, in both kinds of stores."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.tracking.conftest import FILE_BYTES, World

PATH = "/api/2.0/mlflow-artifacts/artifacts"
stores = pytest.mark.parametrize("store", [0, 1], ids=["files", "other"])


@stores
def test_what_is_there_is_never_changed(world: World, store: int) -> None:
    base = f"modelyard/team/once{store}"
    pod, operator = world.pod(f"once{store}", store=store), world.operator(store)
    for client in (pod, operator, pod):
        assert client.file("PUT", f"{base}/a/b", b"bytes").status == 200
    for client, data in ((pod, b"BYTES"), (operator, b"BYTES"), (pod, b"longer bytes"), (pod, b"")):
        refused = client.file("PUT", f"{base}/a/b", data)
        assert (refused.status, refused.document["error_code"]) == (409, "RESOURCE_ALREADY_EXISTS")
    assert pod.file("GET", f"{base}/a/b").body == b"bytes"
    assert pod.file("PUT", f"{base}/empty", b"").status == 200
    assert pod.file("GET", f"{base}/empty").body == b""


@stores
def test_a_later_pod_of_the_task_replaces_its_result(world: World, store: int) -> None:
    uid = f"replaces{store}"
    for data in (b"first", b"a second"):
        assert world.pod(uid, store=store).file("PUT", f"modelyard/team/{uid}/result.json", data).status == 200
    assert world.pod(uid).file("GET", f"modelyard/team/{uid}/result.json").body == b"a second"


def test_a_file_is_no_folder_and_a_folder_no_file(world: World) -> None:
    pod = world.pod("folders")
    assert pod.file("PUT", "modelyard/team/folders/a/b", b"bytes").status == 200
    for path in ("a", "a/b/c", "a/b/c/d"):
        assert pod.file("PUT", f"modelyard/team/folders/{path}", b"bytes").status == 409


@stores
def test_of_many_writers_at_once_one_wins(world: World, store: int) -> None:
    uid = f"race{store}"
    pod = world.pod(uid, store=store)
    bodies = [bytes([65 + number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: pod.file("PUT", f"modelyard/team/{uid}/a", body).status, bodies))
    assert sorted(answers) == [200] + [409] * 7
    assert pod.file("GET", f"modelyard/team/{uid}/a").body == bodies[answers.index(200)]


@stores
def test_a_file_has_a_bound(world: World, store: int) -> None:
    uid = f"bound{store}"
    pod, path = world.pod(uid, store=store), f"modelyard/team/{uid}/a"
    refused = pod.file("PUT", path, b"a" * (FILE_BYTES + 1))
    assert refused.status == 413
    assert "--file-bytes" in refused.document["message"]
    pieces = (b"a" * 1_000_000 for _ in range(4))
    assert pod.send("PUT", f"{PATH}/{path}", pieces, Transfer_Encoding="chunked").status == 413
    assert pod.file("GET", path).status == 404
    assert pod.file("PUT", path, b"a" * FILE_BYTES).status == 200
    assert len(pod.file("GET", path).body) == FILE_BYTES


def test_an_upload_that_breaks_off_leaves_nothing(world: World) -> None:
    pod, path = world.pod("breaks"), "modelyard/team/breaks/a"
    head = f"PUT {PATH}/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {pod.token}\r\n"
    uploads = world.folder / "uploads"
    with socket.create_connection((pod.host, pod.port), timeout=60) as sock:
        sock.sendall(f"{head}Content-Length: 2000000\r\n\r\n".encode() + b"a" * 1_500_000)
        _until(lambda: any(uploads.rglob("a")))
    _until(lambda: not any(uploads.iterdir()))
    assert pod.file("GET", path).status == 404


def test_what_a_crash_has_left_is_gone_after_the_start(world: World) -> None:
    assert not (world.folder / "uploads" / "left").exists()


def _until(probe: object, seconds: float = 60) -> None:
    assert callable(probe)
    ends = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < ends
        time.sleep(0.02)
