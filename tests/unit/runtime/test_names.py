"""Checks that columns may have any name, and that the model's inputs have the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, run_train

NAMES = ["has space, é", "a.b:0", "c1", "c0", "variable", "value", 'quote"d']


def data(folder: Path, names: list[str], target: str) -> tuple[MemoryStore, Any]:
    rng = np.random.default_rng(0)
    header = ",".join('"' + name.replace('"', '""') + '"' for name in [*names, target])
    rows = [f"{','.join(f'{x:.3f}' for x in rng.normal(size=len(names) - 1))},{'ab'[i % 2]},{'yn'[i % 3 == 0]}"
            for i in range(120)]  # fmt: skip
    (folder / "t.csv").write_text("\n".join([header, *rows]) + "\n")
    store = MemoryStore()
    return store, data_of(run_ingest(folder, "t.csv", store, target=target))


@pytest.mark.parametrize("algorithm", ["LogisticRegression", "KNeighborsClassifier"])
def test_any_name_is_the_name_of_an_input(tmp_path: Path, algorithm: str) -> None:
    store, version = data(tmp_path, NAMES, "target")
    result = run_train(store, version, algorithm)
    session = onnxruntime.InferenceSession(store.files[f"{result.artifact_uri}/model.onnx"])
    assert [item.name for item in session.get_inputs()] == NAMES
    assert [item.name for item in session.get_outputs()] == ["label", "probabilities"]


@pytest.mark.parametrize("name", ["label", "probabilities"])
def test_the_name_of_an_output_is_refused(tmp_path: Path, name: str) -> None:
    store, version = data(tmp_path, ["x", name, "kind"], "target")
    with pytest.raises(UserError) as caught:
        run_train(store, version, "LogisticRegression")
    assert caught.value.reason == "ReservedColumnName"
    assert name in caught.value.message
    assert "rename" in caught.value.message
    run_train(store, version, "LogisticRegression", features={"exclude": [name]})
