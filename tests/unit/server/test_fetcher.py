"""Checks over a real socket the sidecar that fetches for a pool's server: it tells what ``fetch.bring`` does."""

from __future__ import annotations

import errno
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard_server import fetcher
from modelyard_server.fetch import Refused, Unavailable
from tests.unit.server.models import StoredModel
from tests.unit.server.packed import Packing, encoded, settled, until
from tests.unit.server.serving import NAME, Clients


@pytest.fixture
def packing(tmp_path: Path) -> Iterator[Packing]:
    packing = Packing(tmp_path)
    yield packing
    packing.store.close()


@pytest.fixture
def sidecar(packing: Packing) -> Iterator[subprocess.Popen[bytes]]:
    process = packing.start_fetcher("--give-up-after", "0.5")
    yield process
    process.kill()
    process.wait()


def ask(packing: Packing, model: object, folder: str = f"{NAME}/1", give_up_after: float = 30) -> None:
    fetcher.ask(packing.socket, model.uri, model.digest, folder, give_up_after)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("sidecar")
def test_a_model_is_brought_whole(packing: Packing, iris: StoredModel) -> None:
    ask(packing, packing.put(iris, NAME, 1))
    assert sorted(path.name for path in (packing.repository / NAME / "1").iterdir()) == ["model.json", "model.onnx"]


@pytest.mark.usefixtures("sidecar")
def test_what_stands_in_the_way_is_told_as_by_fetch_itself(packing: Packing, iris: StoredModel) -> None:
    model = packing.put(iris, NAME, 1)
    with pytest.raises(Refused, match="the stored bytes are gone") as caught:
        ask(packing, model.model_copy(update={"uri": f"{model.uri}0"}))
    assert caught.value.reason == "ArtifactMissing"
    with pytest.raises(Refused, match="the model version says sha256:0") as caught:
        ask(packing, model.model_copy(update={"digest": "sha256:0"}))
    assert caught.value.reason == "DigestMismatch"
    packing.store.trouble = lambda handler: handler.send_error(503) is None
    with pytest.raises(Unavailable, match=r"did not answer for 0\.5 s: HTTP 503"):
        ask(packing, model)
    packing.store.trouble = lambda handler: handler.send_error(401) is None
    with pytest.raises(Refused, match="takes this pod for nobody") as caught:
        ask(packing, model)
    assert caught.value.reason == "TrackingRefused"
    (packing.repository / "other").write_text("a file where the folder must be")
    with pytest.raises(OSError, match="other/1") as problem:
        ask(packing, model, "other/1")
    assert problem.value.errno == errno.ENOTDIR


@pytest.mark.parametrize(
    "folder",
    ["../outside/1", "/etc/1", f"{NAME}/..", f"{NAME}/1/2", NAME, f"{NAME}/one", "./1", "link/1", f"{NAME}/1\n"],
)
@pytest.mark.usefixtures("sidecar")
def test_it_writes_among_the_models_alone(packing: Packing, iris: StoredModel, folder: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (packing.repository / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(Unavailable, match="is no folder of a model"):
        ask(packing, packing.put(iris, NAME, 1), folder)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("question", [b"\n", b"[]\n", b"{}\n", b"no JSON\n", b"x" * 100_000])
def test_it_outlives_any_question(
    packing: Packing, iris: StoredModel, sidecar: subprocess.Popen[bytes], question: bytes
) -> None:
    until(packing.socket.exists)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(packing.socket))
        try:
            connection.sendall(question)
            answer = connection.makefile("rb").readline()
        except OSError:  # it reads no more than it takes
            answer = b""
    assert not answer or "can't read a question" in json.loads(answer)["message"]
    ask(packing, packing.put(iris, NAME, 1))
    assert sidecar.poll() is None


def test_one_that_starts_anew_is_waited_for(packing: Packing, iris: StoredModel) -> None:
    model = packing.put(iris, NAME, 1)
    with pytest.raises(Unavailable, match="the container that fetches models does not answer"):
        ask(packing, model, give_up_after=0.5)
    reached, release = threading.Event(), threading.Event()
    packing.store.trouble = lambda _: reached.set() or not release.wait(60)  # type: ignore[func-returns-value]
    dies = packing.start_fetcher()
    asking = threading.Thread(target=ask, args=(packing, model))
    asking.start()
    assert reached.wait(60)
    dies.kill()
    dies.wait()
    release.set()
    follows = packing.start_fetcher()
    try:
        asking.join(60)
        assert (packing.repository / NAME / "1" / "model.json").is_file()
        follows.send_signal(signal.SIGTERM)
        assert follows.wait(30) == 0, "the kubelet waits for it"
    finally:
        follows.kill()
        follows.wait()


def test_serving_goes_on_without_it(packing: Packing, iris: StoredModel) -> None:
    """And what has come meanwhile is served once it is there again."""
    old, new = packing.put(iris, NAME, 1), packing.put(iris, NAME, 2)
    packing.lists(flowers=[old])
    first = packing.start_fetcher()
    with packing.serving(fetched=False) as server:
        first.kill()
        first.wait()
        clients = Clients([server], encoded(iris))
        try:
            digest = packing.lists(flowers=[new, old])
            clients.wait_answered(server, 20)
            again = packing.start_fetcher()
            try:
                assert settled(server, digest).models[0].serving == 2
                clients.wait_answered(server)
            finally:
                again.kill()
                again.wait()
        finally:
            clients.stop()
        assert clients.failures == []
