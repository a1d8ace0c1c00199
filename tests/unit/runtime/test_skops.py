"""Checks models that ONNX can't hold: stored as skops with the reason, proven equal, and of allowed types only."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.fields.artifact import MODEL_JSON
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import Data, EvaluateTask
from modelyard_models import skops_types
from modelyard_models.skops_types import NotAllowed
from modelyard_runtime.commands.evaluate import evaluate
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import SUBJECT, URL, MemoryStore, data_of, run_ingest, run_train
from tests.unit.runtime.test_train import EXAMPLES

OWN = {"max_iter": 10, "categorical_features": ["island", "sex"]}
ORDINAL = {"categorical": {"encode": "Ordinal"}}
SCALED = {"numeric": {"scale": "Standard"}, "categorical": {"minFrequency": 0.2}}
REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    ("species", "sklearn.gaussian_process.GaussianProcessClassifier", {}, SCALED, "does not convert"),
    ("species", "KNeighborsClassifier", {"weights": "distance"}, SCALED, "weights 'uniform' alone"),
    ("species", "HistGradientBoostingClassifier", OWN, ORDINAL, "categorical_features"),
    ("sex", "LinearDiscriminantAnalysis", {}, {"select": {"method": "FTest", "keep": 4}}, "probabilities differ"),
    ("body_mass_g", "HistGradientBoostingRegressor", {**OWN, "categorical_features": ["sex"]}, ORDINAL, "categorical"),
    ("body_mass_g", "KNeighborsRegressor", {"weights": "distance"}, SCALED, "weights 'uniform' alone"),
]


def penguins(target: str, store: MemoryStore) -> Data:
    split = {"test": 0.25, "seed": 7}
    return data_of(run_ingest(EXAMPLES, "penguins-2009.csv", store, target=target, ignore=["year"], split=split))


@pytest.mark.parametrize(("target", "algorithm", "params", "features", "says"), REFUSED)
def test_what_onnx_can_not_hold(target: str, algorithm: str, params: Any, features: Any, says: str) -> None:
    store = MemoryStore()
    data = penguins(target, store)
    result = run_train(store, data, algorithm, params, features=features)
    assert result.artifact_format == "Skops"
    assert says in str(result.format_reason)
    manifest = json.loads(store.files[f"{result.artifact_uri}/{MODEL_JSON}"])
    assert (manifest["format"], manifest["file"]) == ("Skops", "model.skops")
    repeated = run_train(store, data, algorithm, params, features=features)
    assert repeated.artifact_digest == result.artifact_digest
    evaluated = evaluate(task_of(result, data), store)
    assert evaluated.metrics == pytest.approx(result.metrics, rel=1e-5, abs=1e-5)


def task_of(result: TrainResult, data: Data) -> EvaluateTask:
    return EvaluateTask(
        subject=SUBJECT, tracking_url=URL, base_uri="b:/e", result_uri="b:/e/r", data=data,
        artifact_uri=result.artifact_uri, artifact_digest=result.artifact_digest, task=result.task,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "algorithm", "params", "says"),
    [
        ("body_mass_g", "sklearn.compose.TransformedTargetRegressor", {}, "_target.TransformedTargetRegressor"),
        ("species", "KNeighborsClassifier", {"metric": "canberra", "algorithm": "ball_tree"}, "CanberraDistance64"),
    ],
)
def test_a_type_that_is_not_allowed_is_refused_before_anything_is_stored(
    target: str, algorithm: str, params: Any, says: str
) -> None:
    store = MemoryStore()
    data = penguins(target, store)
    before = set(store.files)
    with pytest.raises(UserError) as caught:
        run_train(store, data, algorithm, params)
    assert caught.value.reason == "TypeNotAllowed"
    assert says in caught.value.message
    assert "algorithm" in str(caught.value.field)
    assert set(store.files) == before


def test_the_same_inputs_give_the_same_bytes_in_fresh_processes() -> None:
    program = (
        "from tests.unit.runtime.test_skops import *; s = MemoryStore(); d = penguins('species', s);"
        "print('digest', run_train(s, d, 'HistGradientBoostingClassifier', OWN, features=ORDINAL).artifact_digest)"
    )
    root = Path(__file__).resolve().parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout.split("digest ")[1]
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1


@pytest.fixture(scope="module")
def trained() -> tuple[MemoryStore, Data, TrainResult]:
    store = MemoryStore()
    data = penguins("species", store)
    return store, data, run_train(store, data, *REFUSED[1][1:3], features=SCALED)


def test_a_tampered_file_is_refused_by_its_digest(trained: Any) -> None:
    store, data, result = trained
    other = MemoryStore()
    other.files = {**store.files, f"{result.artifact_uri}/model.skops": b"other bytes"}
    with pytest.raises(UserError) as caught:
        evaluate(task_of(result, data), other)
    assert caught.value.reason == "DigestMismatch"


def rewritten(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Returns the skops file with its schema changed by ``change``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if name != skops_types.SCHEMA:
                target.writestr(name, source.read(name))
        schema = json.loads(source.read(skops_types.SCHEMA))
        change(schema)
        target.writestr(skops_types.SCHEMA, json.dumps(schema))
    return buffer.getvalue()


def nodes(item: Any) -> list[dict[str, Any]]:
    values = item if isinstance(item, list) else list(item.values()) if isinstance(item, dict) else []
    inner = [node for value in values for node in nodes(value)]
    return [item, *inner] if isinstance(item, dict) and "__loader__" in item else inner


def become(class_: str, module: str, loader: str, at: int = -1) -> Callable[[dict[str, Any]], Any]:
    def change(schema: dict[str, Any]) -> None:
        nodes(schema)[at].update({"__class__": class_, "__module__": module, "__loader__": loader})

    return change


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a function": (become("system", "posix", "FunctionNode"), "posix.system would be loaded by FunctionNode"),
    "a function as a type": (become("system", "posix", "TypeNode"), "the type posix.system is not among"),
    "a function that skops trusts": (become("exp", "scipy.special._ufuncs", "FunctionNode"), "FunctionNode"),
    "an object": (become("Popen", "subprocess", "ObjectNode"), "subprocess.Popen is not among"),
    "a constructor": (become("KDTree", "sklearn.neighbors._kd_tree", "ConstructorFromReduceNode"), "never done"),
    "a method": (become("Pipeline", "sklearn.pipeline", "MethodNode", 0), "sklearn.pipeline.Pipeline would be loaded"),
    "an allowed type in another role": (become("KDTree", "sklearn.neighbors._kd_tree", "TypeNode"), "KDTree is not"),
    "an unknown role": (become("str", "builtins", "PickleNode"), "PickleNode, which is never done"),
    "no role": (lambda schema: nodes(schema)[-1].pop("__loader__"), "would be loaded by None"),
    "no names": (become("", "", ""), "never done"),
    "older rules": (lambda schema: schema.update(protocol=0), "protocol 0; only 2 is loaded"),
    "no rules": (lambda schema: schema.pop("protocol"), "protocol None"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_schema_is_refused_with_what_is_wrong(trained: Any, how: str) -> None:
    store, _, result = trained
    change, says = TAMPERED[how]
    data = rewritten(store.files[f"{result.artifact_uri}/model.skops"], change)
    with pytest.raises(NotAllowed) as caught:
        skops_types.check(data)
    assert says in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04\x95\x00", b"{}", b"x" * 1000])
def test_bytes_that_are_no_skops_file(data: bytes) -> None:
    with pytest.raises(NotAllowed, match="no skops file"):
        skops_types.check(data)


def test_every_type_that_is_allowed_is_there() -> None:
    """An allowed name that scikit-learn doesn't have (any more) is a mistake in the list."""
    import importlib

    for name in skops_types.TRUSTED:
        module, _, type_ = name.rpartition(".")
        assert hasattr(importlib.import_module(module), type_), name
