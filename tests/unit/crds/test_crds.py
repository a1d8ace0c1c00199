"""Checks that the generated CRDs are current, described, bounded, and closed except for named leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from modelyard_api.generate import crd
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.registry import KINDS

OPEN_LEAVES = {
    "TrainingRun.spec.trainer.estimator.params{}",
    "Pipeline.spec.steps[].trainingRun.trainer.estimator.params{}",
    "PipelineRun.spec.steps[].trainingRun.trainer.estimator.params{}",
    "Pipeline.spec.steps[].trainingRun.trainer.script.parameters{}",
    "PipelineRun.spec.steps[].trainingRun.trainer.script.parameters{}",
    "TrainingRun.spec.trainer.script.parameters{}",
    "ModelVersion.spec.lineage.parameters{}",
    "Sweep.spec.search.candidates[].params{}.values[]",
    "Pipeline.spec.steps[].sweep.search.candidates[].params{}.values[]",
    "PipelineRun.spec.steps[].sweep.search.candidates[].params{}.values[]",
}
FIXED_FORMATS = {"date-time"}


def walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


def roots() -> dict[str, dict[str, Any]]:
    return {
        name: crd.definition(name, kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for name, kind in KINDS.items()
    }


def nodes() -> list[tuple[str, dict[str, Any]]]:
    return [node for name, root in roots().items() for node in walk(root, name)]


def test_files_are_current() -> None:
    assert crd.differences() == "", "run `make crds`"


def test_check_names_what_differs(tmp_path: Any) -> None:
    crd.write(tmp_path)
    assert crd.differences(tmp_path) == ""
    (tmp_path / f"{Dataset.info.plural}.yaml").write_text("kind: Other\n")
    (tmp_path / "leftovers.yaml").write_text("left over\n")
    diff = crd.differences(tmp_path)
    assert "-kind: Other" in diff
    assert "-left over" in diff
    crd.write(tmp_path)
    assert not (tmp_path / "leftovers.yaml").exists()


def test_every_field_has_a_sentence() -> None:
    bad = [
        path
        for path, node in nodes()
        if not path.endswith(("[]", "{}", ".metadata")) and not (node.get("description") or "").endswith((".", ".)"))
    ]
    assert bad == []


def test_only_named_leaves_hold_what_the_schema_does_not_know() -> None:
    leaves = {path for path, node in nodes() if "x-kubernetes-preserve-unknown-fields" in node}
    assert leaves == OPEN_LEAVES


def test_everything_that_can_grow_is_bounded() -> None:
    bad = []
    for path, node in nodes():
        top = path.count(".") == 1
        text = node.get("type") == "string" and not {"enum", "maxLength"} & node.keys()
        text = text and node.get("format") not in FIXED_FORMATS
        number_or_text = "x-kubernetes-int-or-string" in node and "maxLength" not in node
        array = node.get("type") == "array" and "maxItems" not in node
        table = "additionalProperties" in node and "maxProperties" not in node
        if not top and (text or number_or_text or array or table):
            bad.append(path)
    assert bad == []


def test_schemas_are_structural() -> None:
    for path, node in nodes():
        open_leaf = path in OPEN_LEAVES
        assert open_leaf or "x-kubernetes-int-or-string" in node or isinstance(node.get("type"), str), path
        assert not {"$ref", "anyOf", "oneOf", "allOf", "title", "const", "$defs"} & node.keys(), path
        assert node.get("default", "") is not None, path


def test_a_status_has_one_default() -> None:
    defaults = {path: node["default"] for path, node in nodes() if ".status" in path and "default" in node}
    unseen = {f"{name}.status": {} for name in KINDS} | {f"{name}.status.observedGeneration": -1 for name in KINDS}
    assert defaults == unseen


def test_required_fields_have_no_default() -> None:
    for path, node in nodes():
        for name in node.get("required", ()):
            assert "default" not in node["properties"][name], f"{path}.{name}"


@pytest.mark.parametrize("name", KINDS)
def test_conditions_are_a_list_map(name: str) -> None:
    conditions = roots()[name]["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("name", KINDS)
def test_printer_columns_lead_somewhere(name: str) -> None:
    root = roots()[name]
    for column in KINDS[name].info.columns:
        node, path = root, column.path.removeprefix(".")
        for part in path.split("[")[0].split("."):
            if node.get("type") == "object" and part in node.get("properties", {}):
                node = node["properties"][part]
            else:
                assert path.startswith("metadata."), f"{column.name}: {column.path}"


def test_lists_that_pods_have_by_key_have_each_key_once() -> None:
    list_types = {
        path.rsplit(".", 1)[1]: node.get("x-kubernetes-list-type") for path, node in nodes() if "podTemplate." in path
    }
    assert list_types["env"] == "map"
    assert list_types["imagePullSecrets"] == "set"


def test_patterns_mean_the_same_to_the_api_server_and_here() -> None:
    r"""Go's \s, \d, \w match ASCII, pydantic's Unicode: what only the API server accepts would get no condition."""
    patterns = [node["pattern"] for _, node in nodes() if "pattern" in node]
    assert patterns
    assert [pattern for pattern in patterns if re.search(r"\\[sSdDwWbBpP]|\(\?", pattern)] == []
