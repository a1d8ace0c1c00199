"""Checks a server for the models of a catalogue: it loads, changes under load, refuses and removes them one by one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard_api.wire.packing import PackedModel, PackedVersion
from modelyard_server import follow, repository
from modelyard_server.fetch import Refused
from modelyard_server.models import Models
from tests.unit.server.models import StoredModel
from tests.unit.server.packed import Packing, encoded, index, rows, settled, state, until
from tests.unit.server.serving import NAME, Clients, Served

OTHER = "sha256:" + "0" * 64


@pytest.fixture
def packing(tmp_path: Path) -> Iterator[Packing]:
    packing = Packing(tmp_path)
    yield packing
    packing.store.close()


def ask(server: Served, name: str, model: StoredModel) -> tuple[str, list[Any]]:
    """Returns the version that answered, and its first output."""
    status, body = server.infer(rows(model), f"/v2/models/{name}/infer")
    assert status == 200, body
    return body["model_version"], body["outputs"][0]["data"]


def code(server: Served, name: str, model: StoredModel) -> int:
    return server.infer(rows(model), f"/v2/models/{name}/infer")[0]


def health(server: Served) -> int:
    """Returns the readiness probe's code, or 0 while nothing listens."""
    try:
        return server.get("/v2/health/ready")[0]
    except OSError:
        return 0


def test_all_that_are_listed_are_served(packing: Packing, iris: StoredModel, diabetes: StoredModel) -> None:
    flowers, sugar = packing.put(iris, NAME, 3), packing.put(diabetes, "sugar", 12)
    digest = packing.lists(flowers=[flowers], sugar=[sugar])
    with packing.serving() as server:
        catalogue = state(server)
        assert catalogue.digest == digest
        assert {model.name: (model.state, model.serving, model.digest) for model in catalogue.models} == {
            NAME: ("Ready", 3, flowers.digest),
            "sugar": ("Ready", 12, sugar.digest),
        }
        assert [model.name for model in state(server, "sugar").models] == ["sugar"]
        version, labels = ask(server, NAME, iris)
        assert (version, labels) == ("3", iris.estimator.predict(iris.table[:3].to_numpy()).tolist())
        version, values = ask(server, "sugar", diabetes)
        np.testing.assert_allclose(values, diabetes.estimator.predict(diabetes.table[:3].to_numpy()), rtol=1e-4)
        assert (packing.repository / "sugar" / "12" / "model.json").is_file()
        # The operator alone decides what is loaded: clients may read, but not unload or change the catalogue.
        assert server.infer({}, f"/v2/repository/models/{NAME}/unload")[0] == 403
        assert server.request("POST", "/v2/catalogue", b"{}")[0] == 405


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (9, 10)])
def test_a_new_version_under_load_fails_no_request(
    packing: Packing, iris: StoredModel, first: int, second: int
) -> None:
    """The new version may have a higher or a lower number."""
    old, new = packing.put(iris, NAME, first), packing.put(iris, NAME, second)
    packing.lists(flowers=[old])
    with packing.serving() as server:
        clients = Clients([server], encoded(iris))
        try:
            clients.wait_answered(server)
            digest = packing.lists(flowers=[new, old])
            assert settled(server, digest).models[0].serving == second
            clients.wait_answered(server)
            digest = packing.lists(flowers=[new])
            settled(server, digest)
            clients.wait_answered(server)
        finally:
            clients.stop()
        assert clients.failures == []
        assert ask(server, NAME, iris)[0] == str(second)
        until(lambda: list(index(server)) == [f"{NAME}/{second}"])
        until(lambda: not (packing.repository / NAME / str(first)).exists())


def test_many_changes_under_load_fail_no_request(packing: Packing, iris: StoredModel, diabetes: StoredModel) -> None:
    """A version may be replaced before it is loaded, and another model comes and goes at the same time."""
    versions = [packing.put(iris, NAME, number) for number in range(1, 9)]
    sugar = packing.put(diabetes, "sugar", 1)
    packing.lists(flowers=versions[:1])
    with packing.serving() as server:
        clients = Clients([server], encoded(iris))
        try:
            for turn in range(1, 8):
                more = {"sugar": [sugar]} if turn % 2 else {}
                packing.lists(flowers=[versions[turn], versions[turn - 1]], **more)
                clients.wait_answered(server, 20)
            settled(server, packing.lists(flowers=[versions[7]]))
            clients.wait_answered(server)
        finally:
            clients.stop()
        assert clients.failures == []
        assert ask(server, NAME, iris)[0] == "8"


def test_a_broken_one_keeps_no_other_from_serving(packing: Packing, iris: StoredModel, diabetes: StoredModel) -> None:
    bad = packing.put(iris, "bad", 1, digest=OTHER)
    empty = packing.put(iris, "empty", 1)
    (packing.folder / "empty" / "1" / "model.onnx").write_bytes(b"")
    sugar = packing.put(diabetes, "sugar", 1)
    packing.lists(bad=[bad], empty=[empty], sugar=[sugar])
    with packing.serving() as server:
        by_name = {model.name: model for model in state(server).models}
        assert {name: model.state for name, model in by_name.items()} == {
            "bad": "Failed",
            "empty": "Failed",
            "sugar": "Ready",
        }
        assert "has digest" in by_name["bad"].reason
        causes = {name: model.cause for name, model in by_name.items()}
        assert causes == {"bad": "DigestMismatch", "empty": "DigestMismatch", "sugar": ""}
        assert by_name["bad"].serving is None
        assert index(server)["bad/1"][0] == "UNAVAILABLE"
        assert "has digest" in index(server)["bad/1"][1]
        status, body = server.infer(rows(iris), "/v2/models/bad/infer")
        assert (status, "has digest" in body["error"]) == (503, True), body
        assert code(server, "sugar", diabetes) == 200
        # A corrected version is served.
        good = packing.put(iris, "bad", 2)
        settled(server, packing.lists(bad=[good], sugar=[sugar]))
        assert ask(server, "bad", iris)[0] == "2"


async def test_a_version_whose_bytes_are_restored_is_served_again(
    iris: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "REPAIRED_WITHIN", 0.05)
    tries: list[Path] = []

    def fetch(version: PackedVersion, to: Path) -> None:
        tries.append(to)
        if len(tries) < 3:
            raise Refused("DigestMismatch", "other bytes")
        shutil.copytree(iris.folder, to, dirs_exist_ok=True)

    models = Models(None, 0, 1, False)
    with ThreadPoolExecutor(1) as threads:
        follower = follow.Follower(NAME, models, tmp_path, fetch, threads)
        follower.want(PackedModel(name=NAME, versions=[PackedVersion(number=1, uri="u", digest=iris.digest)]))
        following = asyncio.ensure_future(follower.run())
        await follower.tried.wait()
        state = follower.state()
        assert state is not None
        assert (state.state, state.cause, state.reason) == ("Failed", "DigestMismatch", "other bytes")
        async with asyncio.timeout(20):
            while (state := follower.state()) is None or state.state != "Ready":  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
        assert (state.cause, state.reason, len(tries)) == ("", "", 3)
        following.cancel()


def test_the_version_before_stands_in_for_a_broken_one(packing: Packing, iris: StoredModel) -> None:
    old, bad = packing.put(iris, NAME, 1), packing.put(iris, NAME, 2, digest=OTHER)
    packing.lists(flowers=[old])
    with packing.serving() as server:
        (model,) = settled(server, packing.lists(flowers=[bad, old])).models
        assert (model.number, model.state, model.serving) == (2, "Failed", 1)
        assert ask(server, NAME, iris)[0] == "1"
        assert index(server)[f"{NAME}/1"][0] == "READY"
    with packing.serving() as server:
        assert ask(server, NAME, iris)[0] == "1", "in a new pod too"
        (model,) = settled(server, packing.lists(flowers=[old])).models
        assert (model.state, model.serving, list(index(server))) == ("Ready", 1, [f"{NAME}/1"])


def test_another_model_under_the_same_number(packing: Packing, iris: StoredModel, diabetes: StoredModel) -> None:
    one, other = packing.put(iris, "one", 1), packing.put(diabetes, "other", 1)
    packing.lists(flowers=[one])
    with packing.serving() as server:
        (model,) = settled(server, packing.lists(flowers=[other])).models
        assert (model.state, model.digest) == ("Ready", other.digest)
        _, values = ask(server, NAME, diabetes)
        np.testing.assert_allclose(values, diabetes.estimator.predict(diabetes.table[:3].to_numpy()), rtol=1e-4)


def test_what_is_listed_no_more_goes(packing: Packing, iris: StoredModel) -> None:
    flowers, other = packing.put(iris, NAME, 1), packing.put(iris, "other", 1)
    packing.lists(flowers=[flowers], other=[other])
    with packing.serving() as server:
        settled(server, packing.lists(flowers=[flowers]))
        body, path = encoded(iris), "/v2/models/other/infer"
        status, _, headers = server.request("POST", path, body)
        assert status == 200, "a little while longer, until its clients have heard"
        assert headers["connection"] == "close", "so that they go where it is served now"
        assert server.request("POST", f"/v2/models/{NAME}/infer", body)[2]["connection"] is None
        until(lambda: code(server, "other", iris) == 404)
        until(lambda: not (packing.repository / "other" / "1").exists())
        assert list(index(server)) == [f"{NAME}/1"]
        settled(server, packing.lists(flowers=[flowers], other=[other]))
        assert code(server, "other", iris) == 200


def test_more_models_than_memory(packing: Packing, iris: StoredModel) -> None:
    models = {name: [packing.put(iris, name, 1)] for name in "abcdef"}
    packing.lists(**models)
    budget = 2 * repository.cost(packing.folder / "a" / "1")
    with packing.serving("--memory-budget", str(budget)) as server:
        assert {model.state for model in state(server).models} == {"Ready"}
        for _ in range(2):
            assert [code(server, name, iris) for name in models] == [200] * 6
        assert [item[0] for item in index(server).values()].count("READY") == 2
        new = packing.put(iris, "a", 2)
        settled(server, packing.lists(**models | {"a": [new]}))
        assert ask(server, "a", iris)[0] == "2"


def test_a_catalogue_that_is_broken_changes_nothing(packing: Packing, iris: StoredModel) -> None:
    flowers = packing.put(iris, NAME, 1)
    digest = packing.lists(flowers=[flowers])
    with packing.serving() as server:
        for text in ("", "[]", '{"models": [{"name": "../x", "versions": []}]}', "\xff"):
            packing.file.write_text(text, encoding="latin-1")
            until(lambda: "cannot read the catalogue" in server.log)
        assert state(server).digest == digest
        assert code(server, NAME, iris) == 200


def test_it_is_ready_once_each_was_tried(packing: Packing, iris: StoredModel) -> None:
    with packing.serving(ready=False) as server:
        assert until(lambda: health(server)) == 503, "there is no catalogue yet"
        (packing.repository / "left" / "7").mkdir(parents=True)
        packing.lists(flowers=[packing.put(iris, NAME, 1)], bad=[packing.put(iris, "bad", 1, digest=OTHER)])
        server.wait_ready()
        assert code(server, NAME, iris) == 200
        assert not (packing.repository / "left" / "7").exists(), "what an earlier process left"


def test_a_store_that_is_away_is_asked_again(packing: Packing, iris: StoredModel) -> None:
    flowers = packing.put(iris, NAME, 1)
    refused: list[str] = []

    def trouble(handler: Any) -> bool:
        if len(refused) < 3:
            refused.append(handler.path)
            handler.send_error(503)
            return True
        return False

    packing.store.trouble = trouble
    packing.lists(flowers=[flowers])
    with packing.serving() as server:
        assert len(refused) == 3
        assert code(server, NAME, iris) == 200


def test_an_empty_catalogue_is_one(packing: Packing, iris: StoredModel) -> None:
    packing.lists()
    with packing.serving() as server:
        assert state(server).models == []
        assert server.get("/v2/models")[1] == {"models": []}
        settled(server, packing.lists(flowers=[packing.put(iris, NAME, 1)]))
        assert code(server, NAME, iris) == 200
