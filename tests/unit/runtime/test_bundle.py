"""Checks a training function in a bundle: found among its modules, refused where the bundle doesn't fit the runtime."""

from __future__ import annotations

import json
import platform
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.fields.trainer import Trainer
from modelyard_runtime.commands.script import script
from modelyard_runtime.pod.errors import UserError
from tests.support.wheels import write_wheel
from tests.unit.runtime.memory import MemoryStore, data_of, run_ingest, train_task

IMAGE = "registry.example.com/churn@sha256:" + "0" * 64
PYTHON = ".".join(platform.python_version_tuple()[:2])
MARKER = {"commit": "c0ffee", "key": "k", "python": PYTHON}
TREE = """
from answers import ANSWER
from sklearn.tree import DecisionTreeClassifier
from acme.depths import depth_of
def train(context):
    depth = depth_of(context, ANSWER)
    return DecisionTreeClassifier(max_depth=depth).fit(context.train[context.columns], context.train[context.target])
"""
DEPTHS = "def depth_of(context, answer):\n    return context.parameters['depth'] + answer - 42\n"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a bundle is mounted: with a marker, a package and a library."""
    folder = tmp_path / "bundle"
    (folder / "src" / "acme").mkdir(parents=True)
    (folder / "src" / "acme" / "__init__.py").write_text("")
    (folder / "src" / "acme" / "churn.py").write_text(TREE)
    (folder / "src" / "acme" / "depths.py").write_text(DEPTHS)
    (folder / "src" / "json.py").write_text("def train(context): ...\n")
    (folder / "bundle.json").write_text(json.dumps(MARKER))
    zipfile.ZipFile(write_wheel(tmp_path)).extractall(folder / "site")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("acme", "acme.churn", "acme.depths", "answers"):
        sys.modules.pop(name, None)
    return folder


def run(folder: Path, entry: str = "acme.churn:train", depth: Any = 3) -> Any:
    store = MemoryStore()
    (folder.parent / "t.csv").write_text("a,b,y\n" + "".join(f"{i},{i}.5,{i % 2}\n" for i in range(40)))
    data = data_of(run_ingest(folder.parent, "t.csv", store, target="y"))
    spec = {"script": {"bundle": {"image": IMAGE}, "entry": entry, "parameters": {"depth": depth}}}
    task = train_task(data, "none").model_copy(update={"trainer": Trainer.model_validate(spec)})
    return script(task, store, out=folder.parent / "out", bundle=folder)


def test_a_function_of_a_bundle_trains_with_its_libraries(bundle: Path) -> None:
    result = run(bundle)
    assert result.signature.classes == ["0", "1"]
    assert result.parameters == {"estimator": "DecisionTreeClassifier", "depth": 3}


def test_a_bundle_needs_no_libraries(bundle: Path) -> None:
    (bundle / "site").rename(bundle / "other")
    (bundle / "src" / "acme" / "churn.py").write_text(TREE.replace("from answers import ANSWER", "ANSWER = 42"))
    assert run(bundle).signature.classes == ["0", "1"]


def test_a_mistake_is_told_with_the_line_of_the_users_own_file(bundle: Path) -> None:
    with pytest.raises(UserError) as caught:
        run(bundle, depth="deep")
    said = "spec.trainer.script: acme/depths.py, line 2, in depth_of: TypeError: can only concatenate str"
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("acme.chorn:train", "or acme? There are acme, acme.churn, acme.depths, json"),
        ("acme:train", "'train' is not known; There are none"),
        ("acme.churn:trian", "did you mean train? There are train"),
        ("nowhere:train", "'nowhere' is not known"),
        ("os:getcwd", "'os' is not known"),
        ("json:train", "'json' is a module of the runtime's"),
    ],
)  # fmt: skip
def test_an_entry_that_is_not_there_is_told_with_what_is(bundle: Path, entry: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        run(bundle, entry)
    assert caught.value.reason == "ScriptEntryNotFound"
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        (None, "has no bundle.json that says commit and Python (FileNotFoundError): a node mounts"),
        ("{", "has no bundle.json that says commit and Python"),
        ("[]", "has no bundle.json that says commit and Python (TypeError)"),
        (json.dumps({"commit": "c"}), "has no bundle.json that says commit and Python (KeyError)"),
        (json.dumps(MARKER | {"python": "3.8"}), f"the bundle is for Python 3.8, the runtime has {PYTHON}"),
    ],
)  # fmt: skip
def test_a_bundle_that_does_not_fit_is_told(bundle: Path, marker: str | None, says: str) -> None:
    (bundle / "bundle.json").unlink()
    if marker is not None:
        (bundle / "bundle.json").write_text(marker)
    with pytest.raises(UserError) as caught:
        run(bundle)
    assert caught.value.reason == "BundleUnusable"
    assert says in caught.value.message
    assert caught.value.field == "spec.trainer.script.bundle.image"


def test_another_version_of_a_library_of_the_runtime_is_told(bundle: Path) -> None:
    info = bundle / "site" / "numpy-1.26.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n")
    with pytest.raises(UserError) as caught:
        run(bundle)
    assert caught.value.reason == "RequirementConflicts"
    assert f"numpy==1.26.4 is asked for, but the runtime has numpy {version('numpy')}" in caught.value.message
