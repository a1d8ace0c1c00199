"""Checks what a training function is given, what may come of it, and how errors in it are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.trainer import Trainer
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import Data
from modelyard_runtime.commands.script import script
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, train_task
from tests.unit.runtime.test_container import model as onnx_model

EXAMPLES = Path(__file__).resolve().parents[3] / "manifests" / "examples"
SPLIT = {"test": 0.25, "strategy": "Stratified", "seed": 7}
TREE = """
from sklearn.tree import DecisionTreeClassifier
def train(context):
    rows = context.train[context.columns].select_dtypes("number")
    return DecisionTreeClassifier(max_depth=3).fit(rows.fillna(0)%s, context.train[context.target])
"""


@pytest.fixture(scope="module")
def penguins() -> tuple[MemoryStore, Data]:
    store = MemoryStore()
    spec = {"target": "species", "ignore": ["year"], "split": SPLIT}
    return store, data_of(run_ingest(EXAMPLES / "penguins", "penguins-2009.csv", store, **spec))


@pytest.fixture
def numbers(tmp_path: Path) -> tuple[MemoryStore, Data]:
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{i},{i}.5,{i % 2}\n" for i in range(40)))
    store = MemoryStore()
    return store, data_of(run_ingest(tmp_path, "t.csv", store, target="y"))


def run(folder: Path, data: Any, source: str, key: str = "train.py", more: Any = None, **spec: Any) -> TrainResult:
    """Runs the command on a folder as the kubelet would mount it, with everything of the real command but its pod."""
    store, version = data
    files, out = folder / "script", folder / "out"
    files.mkdir()
    out.mkdir()
    (files / key).write_text(source)
    trainer = Trainer.model_validate({"script": {"configMap": {"name": "c", "key": key}, **spec}})
    task = train_task(version, "none", seed=7, **(more or {})).model_copy(
        update={"trainer": trainer, "script_files": {key: sha256(source.encode())}}
    )
    return script(task, store, files, out, folder / "work")


def test_the_example_is_proven_and_scored_as_an_estimator(tmp_path: Path, penguins: Any, monkeypatch: Any) -> None:
    logged: list[Any] = []
    monkeypatch.setattr("modelyard_runtime.pod.live.LiveMetrics.flush", lambda self: logged.extend(self._values))
    source = (EXAMPLES / "script" / "train.py").read_text()
    result = run(tmp_path, penguins, source, parameters={"sizes": [5, 10]}, more={"additional_metrics": ["log_loss"]})
    assert result.artifact_format == "ONNX"
    assert result.metrics["balanced_accuracy"] > 0.9
    assert result.metrics["log_loss"] < 1
    assert result.parameters == {"estimator": "RandomForestClassifier", "sizes": [5, 10]}
    assert result.signature.classes == ["Adelie", "Chinstrap", "Gentoo"]
    assert {item["step"] for item in logged} == {5, 10}


def test_the_held_out_target_is_not_given(tmp_path: Path, penguins: Any) -> None:
    source = """
def train(context):
    held_out = context.target in context.test.columns
    raise ValueError([list(context.test.columns) == context.columns, held_out, len(context.train), context.seed])
"""
    with pytest.raises(UserError, match=r"ValueError: \[True, False, 258, 7\]"):
        run(tmp_path, penguins, source)


def test_a_model_of_some_columns_is_asked_with_those(tmp_path: Path, penguins: Any) -> None:
    source = """
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
def train(context):
    rows = context.train[["body_mass_g", "bill_depth_mm"]]
    columns = make_column_transformer((SimpleImputer(), ["body_mass_g"]), remainder="passthrough")
    model = make_pipeline(make_pipeline(columns, SimpleImputer()), DecisionTreeClassifier())
    return model.fit(rows, context.train[context.target])
"""
    result = run(tmp_path, penguins, source)
    assert [item.name for item in result.signature.inputs] == ["body_mass_g", "bill_depth_mm"]


@pytest.mark.parametrize(("final", "classifier"), [("KNeighborsClassifier()", True), ("KNeighborsRegressor()", False)])
def test_a_column_transformer_with_sparse_columns_is_served_as_skops(
    tmp_path: Path, penguins: Any, final: str, classifier: bool
) -> None:
    """Neighbours that are equally near don't convert, so the servers' own way through the branches must be right."""
    data = penguins
    if not classifier:
        store = MemoryStore()
        spec = {"target": "body_mass_g", "split": {"test": 0.25}}
        data = store, data_of(run_ingest(EXAMPLES / "penguins", "penguins-2009.csv", store, **spec))
    source = f"""
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
def train(context):
    columns = make_column_transformer(
        (SimpleImputer(), ["bill_length_mm"]), (OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]))
    rows, target = context.train[context.columns], context.train[context.target]
    return make_pipeline(columns, {final}).fit(rows, target)
"""
    result = run(tmp_path, data, source)
    assert result.artifact_format == "Skops", result.format_reason
    assert len(result.signature.inputs) == len(data[1].columns) - 1


def test_what_it_writes_is_collected_as_a_containers(tmp_path: Path, numbers: Any) -> None:
    (tmp_path / "model").write_bytes(onnx_model("[0, 1]"))
    source = f"""
def train(context):
    context.out.joinpath("model.onnx").write_bytes(open({str(tmp_path / "model")!r}, "rb").read())
"""
    result = run(tmp_path, numbers, source, more={"task": "Classification"})
    assert result.signature.classes == ["0", "1"]
    assert result.fit is None


LOG = """
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
def train(context):
    rows = context.train[context.columns].select_dtypes("number")
    model = make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p), LogisticRegression())
    return model.fit(rows, context.train[context.target])
"""
FILE = "context.out.joinpath('model.onnx').write_bytes(b'x')"
WRONG = [
    ("x =", "ScriptFailed", "spec.trainer.script: train.py, line 1: SyntaxError: invalid syntax: 'x ='"),
    ("import nowhere", "ScriptFailed", "train.py, line 1: ModuleNotFoundError: No module named 'nowhere'"),
    ("def train(context):\n  return 1 / 0", "ScriptFailed", "line 2, in train: ZeroDivisionError: division by zero"),
    ("def train(context):\n  exit(0)", "ScriptFailed", "line 2, in train: SystemExit: 0"),
    ("def train(context):\n  context.log('accuracy', 1)", "ScriptFailed", "name yours another way, such as"),
    ("def train(context):\n  context.log('loss', float('nan'))", "ScriptFailed", "'loss': nan is not a finite number"),
    ("def trains(context): ...", "ScriptEntryNotFound", ".script.entry: 'train' is not known; did you mean trains?"),
    ("x = 1", "ScriptEntryNotFound", "There are none"),
    ("train = 1", "ScriptEntryNotFound", "There are none"),
    ("def train(a, b): ...", "ScriptEntryNotFound", "train(a, b) can't be called with the context alone"),
    ("def train(context): ...", "ScriptReturnedOther", "returned None and wrote no model; return a fitted estimator"),
    ("def train(context): return context.train", "ScriptReturnedOther", "train returned a DataFrame; return a fitted"),
    (f"def train(context): {FILE}", "InvalidModel", "spec.trainer.script: onnxruntime can't load the model"),
    ("from sklearn.svm import SVC\ndef train(context): return SVC()", "ScriptReturnedOther", "SVC that is not fitted"),
    (TREE % ".assign(z=1)", "ScriptReturnedOther", "was fitted on z, which servers are not asked with; the data"),
    (LOG, "TypeNotAllowed", "nor can it be served as skops: numpy.log1p would be loaded by FunctionNode"),
    (TREE % ".to_numpy()", "ScriptReturnedOther", "fitted on 4 columns without names, but the data has 6"),
    (TREE.replace("    return", f"    {FILE}\n    return") % "", "ScriptReturnedOther", "and wrote model.onnx too"),
    (TREE.replace("Classifier", "Regressor").replace("context.train[context.target]", "rows.isna().sum(axis=1)") % "",
     "TargetDoesNotFit", "spec.trainer.script: the target 'species' is a Category; a regression needs numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "reason", "says"), WRONG)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, penguins: Any, source: str, reason: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        run(tmp_path, penguins, source)
    assert caught.value.reason == reason
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_other_files_than_at_the_start_are_refused(tmp_path: Path, penguins: Any) -> None:
    store, data = penguins
    trainer = Trainer.model_validate({"script": {"configMap": {"name": "c", "key": "train.py"}}})
    task = train_task(data, "none").model_copy(
        update={"trainer": trainer, "script_files": {"train.py": sha256(b"an earlier script")}}
    )
    for says in ("key 'train.py' is gone", "key 'train.py' has changed"):
        with pytest.raises(UserError, match=says) as caught:
            script(task, store, tmp_path, tmp_path, tmp_path)
        assert caught.value.reason == "ScriptChanged"
        (tmp_path / "train.py").write_text("def train(context): ...")


def test_a_script_hides_no_module_of_the_same_name(tmp_path: Path, penguins: Any) -> None:
    source = "import json\ndef train(context): raise ValueError([__name__, json.dumps(None)])"
    with pytest.raises(UserError, match=r"json.py, line 2, in train: ValueError: \['modelyard_script', 'null'\]"):
        run(tmp_path, penguins, source, key="json.py")
