"""Checks several models in one process: the repository extension's calls, and the memory budget."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard_server import repository
from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import Served, running

ROW: dict[str, Any] = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}


@pytest.fixture
def models(tmp_path: Path, iris: StoredModel) -> Path:
    """Returns a repository of three equal models, so that twice the memory of one holds two of them."""
    folder = tmp_path / "models"
    for name in ("a", "b", "c"):
        shutil.copytree(iris.folder, folder / name / "1")
    (folder / "notes.txt").write_text("not a model")
    (folder / ".hidden" / "1").mkdir(parents=True)
    return folder


def served(models: Path, *arguments: str) -> Iterator[Served]:
    with running(models, models.parent, *arguments, repository=True) as server:
        yield server


@pytest.fixture
def server(models: Path) -> Iterator[Served]:
    yield from served(models)


@pytest.fixture
def small_server(models: Path) -> Iterator[Served]:
    """Yields a server whose memory budget holds two of the three models."""
    yield from served(models, "--memory-budget", str(2 * repository.cost(models / "a" / "1")))


def states(server: Served, **document: Any) -> dict[str, str]:
    status, body = server.infer(document, "/v2/repository/index")
    assert status == 200, body
    return {f"{item['name']}/{item['version']}": item["state"] for item in body}


def call(server: Served, name: str, verb: str, document: Any = None) -> tuple[int, Any]:
    return server.infer(document or {}, f"/v2/repository/models/{name}/{verb}")


def infer(server: Served, name: str) -> tuple[int, Any]:
    return server.infer(ROW, f"/v2/models/{name}/infer")


def test_all_are_served_loaded_and_unloaded(server: Served) -> None:
    assert states(server) == dict.fromkeys(("a/1", "b/1", "c/1"), "READY")
    assert server.get("/v2/models") == (200, {"models": ["a", "b", "c"]})
    assert infer(server, "b")[1]["model_name"] == "b"
    assert call(server, "b", "unload") == (200, {})
    assert states(server) == {"a/1": "READY", "b/1": "UNAVAILABLE", "c/1": "READY"}
    assert states(server, ready=True) == {"a/1": "READY", "c/1": "READY"}
    for path in ("", "/ready"):
        status, body = server.get(f"/v2/models/b{path}")
        assert (status, "POST /v2/repository/models/b/load" in body["error"]) == (503, True), body
    assert infer(server, "b")[0] == 503, "what was unloaded on purpose does not come back by itself"
    assert server.get("/v2/health/ready")[0] == 200
    assert infer(server, "a")[0] == 200
    assert call(server, "b", "load") == (200, {})
    assert infer(server, "b")[0] == 200
    assert server.metric('modelyard_server_requests_total{code="503",model="b"') == 1
    assert server.metric('modelyard_server_requests_total{code="200",model="a"') == 1


def test_new_versions_come_and_old_ones_go(server: Served, models: Path, diabetes: StoredModel) -> None:
    shutil.copytree(models / "a" / "1", models / "a" / "10")
    shutil.copytree(models / "a" / "1", models / "a" / "9")
    shutil.copytree(diabetes.folder, models / "sugar" / "1")
    assert infer(server, "sugar")[0] == 404
    for name in ("a", "sugar"):
        assert call(server, name, "load")[0] == 200
    assert server.get("/v2/models/a")[1]["versions"] == ["1", "9", "10"]
    assert infer(server, "a")[1]["model_version"] == "10"
    assert server.infer(ROW, "/v2/models/a/versions/9/infer")[1]["model_version"] == "9"
    assert server.get("/v2/models/sugar")[0] == 200
    shutil.rmtree(models / "a" / "10")
    shutil.rmtree(models / "sugar")
    assert "sugar/1" not in states(server)
    assert infer(server, "a")[1]["model_version"] == "9"
    assert infer(server, "sugar")[0] == 404
    assert server.infer(ROW, "/v2/models/a/versions/10/infer")[0] == 404


def test_one_that_is_wrong_keeps_no_other_from_serving(server: Served, models: Path, iris: StoredModel) -> None:
    wrong = json.loads(json.dumps(iris.manifest))
    wrong["example"]["outputs"]["label"][5] = "virginica"
    write_manifest(models / "a" / "1", wrong)
    status, body = call(server, "a", "load")
    assert (status, "does not answer its own example" in body["error"]) == (400, True), body
    assert infer(server, "a")[0] == 200, "the one that was loaded goes on"
    assert call(server, "a", "unload")[0] == 200
    assert call(server, "a", "load")[0] == 400
    status, body = infer(server, "a")
    assert (status, "does not answer its own example" in body["error"]) == (503, True), body
    assert states(server)["a/1"] == "UNAVAILABLE"
    assert infer(server, "b")[0] == 200
    write_manifest(models / "a" / "1", iris.manifest)
    assert call(server, "a", "load")[0] == 200
    assert infer(server, "a")[0] == 200


def test_one_that_is_wrong_from_the_start(models: Path) -> None:
    (models / "a" / "1" / "model.onnx").write_bytes(b"")
    for server in served(models):
        assert states(server) == {"a/1": "UNAVAILABLE", "b/1": "READY", "c/1": "READY"}
        assert infer(server, "b")[0] == 200
        assert "cannot serve a version 1" in server.log


def test_memory_is_bounded_and_the_least_recently_used_goes_first(small_server: Served) -> None:
    server = small_server
    assert states(server) == {"a/1": "READY", "b/1": "READY", "c/1": "UNAVAILABLE"}
    assert infer(server, "a")[0] == 200
    assert infer(server, "c")[0] == 200, "it comes when it is asked for"
    assert states(server) == {"a/1": "READY", "b/1": "UNAVAILABLE", "c/1": "READY"}
    assert server.get("/v2/models/b/ready")[0] == 200, "it would be answered"
    assert call(server, "a", "unload")[0] == 200
    assert server.get("/v2/models/a/ready")[0] == 503
    assert infer(server, "b")[0] == 200
    assert states(server) == {"a/1": "UNAVAILABLE", "b/1": "READY", "c/1": "READY"}
    assert call(server, "a", "load")[0] == 200
    assert states(server) == {"a/1": "READY", "b/1": "READY", "c/1": "UNAVAILABLE"}
    assert server.get("/v2/models/c")[0] == 200, "its description brings it too"
    assert call(server, "a", "unload")[0] == 200
    assert infer(server, "a")[0] == 503


def test_many_ask_for_more_models_than_fit(small_server: Served) -> None:
    answers: list[int] = []

    def ask(name: str) -> None:
        answers.extend(infer(small_server, name)[0] for _ in range(10))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcabc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 60
    assert list(states(small_server, ready=True).values()) == ["READY"] * 2


def test_what_never_fits_says_so(models: Path) -> None:
    for server in served(models, "--memory-budget", "1000"):
        status, body = infer(server, "a")
        assert (status, "--memory-budget is 1000" in body["error"]) == (503, True), body


def test_what_is_unloaded_gives_its_memory_back(server: Served) -> None:
    line = "process_resident_memory_bytes"
    for _ in range(5):
        call(server, "a", "load")
    before = server.metric(line)
    for _ in range(40):
        assert call(server, "a", "unload")[0] == 200
        assert call(server, "a", "load")[0] == 200
    # A model costs at least 0.25 MB: 40 leaked models would be 10 MB.
    assert server.metric(line) - before < 4 * 1024 * 1024


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    server = Served(tmp_path / "nowhere", tmp_path, repository=True)
    assert server.process.wait(30) == 2, server.log
    assert "cannot read the repository" in server.last_words


@pytest.mark.parametrize("name", ["d", "..", "%2e%2e", "a%2f1", ""])
def test_only_what_lies_in_the_repository_is_loaded(server: Served, name: str) -> None:
    for verb in ("load", "unload"):
        assert call(server, name, verb)[0] == 404


def test_requests_that_are_refused(server: Served, iris_server: Served) -> None:
    assert call(server, "a", "load", {"parameters": {"config": "{}"}})[0] == 400
    assert call(server, "a", "unload", {"parameters": {"unload_dependents": True}})[0] == 200
    assert server.request("GET", "/v2/repository/index")[0] == 405
    assert server.request("POST", "/v2/repository/index", b"[]")[0] == 400
    assert server.request("POST", "/v2/repository/index", b" " * 100_000)[0] == 413
    # A server of a single model is no repository: a client may read the index, but not load or unload.
    assert states(iris_server) == {"flowers/3": "READY"}
    for verb in ("load", "unload"):
        assert call(iris_server, "flowers", verb)[0] == 403
