"""Checks models that ONNX can't hold on the real server: scikit-learn's answers, and only allowed types loaded."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_models import skops_model
from modelyard_runtime.export.skops_export import to_skops
from modelyard_server.load import load
from modelyard_server.manifest import ModelError
from tests.unit.runtime.memory import MemoryStore
from tests.unit.runtime.test_skops import become, nodes, rewritten
from tests.unit.server.models import write_manifest
from tests.unit.server.serving import NAME, VERSION, Served
from tests.unit.server.trained import MIXED, NUMBERS, Trained, data_for, probe_rows, train_to

ORDINAL = {"categorical": {"encode": "Ordinal"}}
SCALED = {"numeric": {"scale": "Standard"}}
MODELS: dict[str, tuple[str, list[str], str, dict[str, Any], dict[str, Any]]] = {
    "knn": ("three", MIXED, "KNeighborsClassifier", {"weights": "distance"}, SCALED),
    "knn-numbers": ("value", NUMBERS, "KNeighborsRegressor", {"weights": "distance"}, {}),
    "lda": ("whole", MIXED, "LinearDiscriminantAnalysis", {}, {"select": {"method": "FTest", "keep": 4}}),
    "gpc": ("three", MIXED, "sklearn.gaussian_process.GaussianProcessClassifier", {}, SCALED),
    "hist": (
        "two", MIXED, "HistGradientBoostingClassifier",
        {"max_iter": 20, "categorical_features": ["colour", "shape"]}, ORDINAL,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, store: MemoryStore) -> Callable[[str], Trained]:
    cache: dict[str, Trained] = {}

    def get(name: str) -> Trained:
        if name not in cache:
            target, columns, algorithm, params, features = MODELS[name]
            folder = tmp_path_factory.mktemp(name)
            data = data_for(folder, store, target, columns)
            cache[name] = train_to(folder / "model", store, data, algorithm, params, features=features)
        return cache[name]

    return get


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_those_of_scikit_learn(make: Callable[[str], Trained], tmp_path: Path, name: str) -> None:
    trained = make(name)
    assert trained.result.artifact_format == "Skops"
    rows = probe_rows()
    server = Served(trained.folder, tmp_path)
    try:
        server.wait_ready(60)
        status, body = server.infer(trained.request(rows))
        assert status == 200, body
        expected = trained.answers(rows)
        for output in body["outputs"]:
            served = np.array(output["data"]).reshape(output["shape"])
            if output["datatype"] == "FP32":
                np.testing.assert_allclose(served, expected[output["name"]], rtol=1e-6, atol=1e-7)
            else:
                assert served.tolist() == expected[output["name"]].tolist()
        single = server.infer(trained.request(rows.iloc[6:7]))[1]
        assert [item["data"][0] for item in single["outputs"][:1]] == [body["outputs"][0]["data"][6]]
        assert server.infer(trained.request(rows.iloc[:2]) | {"inputs": []})[0] == 400
        assert server.get(f"/v2/models/{NAME}")[1]["platform"] == "sklearn_skops"
        assert (server.metric("modelyard_server_ready"), VERSION) == (1.0, "3")
        assert "Warning" not in server.log
    finally:
        server.process.kill()
        server.process.wait()


def write(trained: Trained, folder: Path, data: bytes, **changes: Any) -> Path:
    """Writes a model's folder with other bytes and the digest that fits them."""
    folder.mkdir()
    (folder / "model.skops").write_bytes(data)
    manifest = json.loads((trained.folder / "model.json").read_bytes())
    write_manifest(folder, manifest | {"fileDigest": sha256(data), "fileBytes": len(data)} | changes)
    return folder


def other_release(schema: dict[str, Any]) -> None:
    for node in nodes(schema):
        version = node.get("content", {}).get("_sklearn_version") if isinstance(node.get("content"), dict) else None
        if version:
            version["content"] = '"0.24.2"'


REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a function": (
        lambda data: rewritten(data, become("system", "posix", "FunctionNode")),
        "posix.system would be loaded by FunctionNode, which is never done",
    ),
    "a type": (
        lambda data: rewritten(data, become("Popen", "subprocess", "ObjectNode")),
        "the type subprocess.Popen is not among those that are loaded",
    ),
    "another release": (lambda data: rewritten(data, other_release), "it was written by scikit-learn 0.24.2, here is"),
    "a pickle": (lambda _: pickle.dumps({"a": 1}), "it is no skops file"),
    "cut off": (lambda data: data[:-100], "it is no skops file"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_not_allowed_is_refused_by_name(make: Callable[[str], Trained], tmp_path: Path, how: str) -> None:
    trained = make("knn")
    change, says = REFUSED[how]
    folder = write(trained, tmp_path / "model", change((trained.folder / "model.skops").read_bytes()))
    with pytest.raises(ModelError) as caught:
        load(folder)
    assert says in str(caught.value)


def test_the_process_says_so_and_ends(make: Callable[[str], Trained], tmp_path: Path) -> None:
    trained = make("knn")
    change, says = REFUSED["a type"]
    folder = write(trained, tmp_path / "model", change((trained.folder / "model.skops").read_bytes()))
    server = Served(folder, tmp_path)
    assert server.process.wait(60) == 2, server.log
    assert says in server.last_words
    assert "Traceback" not in server.log


def test_other_bytes_and_another_example_are_refused(make: Callable[[str], Trained], tmp_path: Path) -> None:
    trained = make("knn")
    data = (trained.folder / "model.skops").read_bytes()
    folder = write(trained, tmp_path / "digest", data + b"x", fileDigest=sha256(data))
    with pytest.raises(ModelError, match="has digest sha256:"):
        load(folder)
    example = json.loads((trained.folder / "model.json").read_bytes())["example"]
    example["outputs"]["label"] = example["outputs"]["label"][::-1]
    with pytest.raises(ModelError, match="does not answer its own example as it was stored: output 'label'"):
        load(write(trained, tmp_path / "example", data, example=example))


@pytest.mark.parametrize("field", ["left", "feature_idx"])
def test_a_tree_with_an_index_out_of_bounds_is_refused(make: Callable[[str], Trained], field: str) -> None:
    """scikit-learn would read beyond the end of an array."""
    trained = make("hist")
    model = skops_model.load(to_skops(trained.pipeline))
    tree = model.steps[-1][1]._predictors[0][0]
    assert not tree.nodes["is_leaf"][0]
    tree.nodes[field][0] = 1_000_000
    with pytest.raises(skops_model.NotAllowed, match="out of bounds"):
        skops_model.load(to_skops(model))


def test_what_trains_and_what_serves_have_the_same_libraries() -> None:
    """A skops file holds scikit-learn's own objects, so the server refuses one of another release."""
    images = Path(__file__).resolve().parents[3] / "images"
    names = ("scikit-learn", "skops", "scipy", "numpy")
    pins = [
        {line.split(" ")[0] for line in (images / image / "requirements.txt").read_text().splitlines()
         if line.split("==")[0] in names}
        for image in ("runtime", "server")
    ]  # fmt: skip
    assert len(pins[0]) == len(names)
    assert pins[0] == pins[1]
