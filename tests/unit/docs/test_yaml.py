"""Checks that the operator understands each YAML block in the documentation, and that the README's is the example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.main import KEY, parse_installation
from modelyard_api import API_VERSION
from modelyard_api.kinds.registry import KINDS
from tests.support.documentation import PAGES, README, ROOT, documents, name

EXAMPLE = ROOT / "manifests" / "examples" / "penguins"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_document_is_understood(page: Path) -> None:
    for first, document in documents(page):
        if KEY in first:
            parse_installation({KEY: yaml.safe_dump(document)}, name(page))
            continue
        assert {"apiVersion", "kind"} <= document.keys(), f"{name(page)}: a whole object: {document}"
        if document["apiVersion"] == API_VERSION:
            assert document["metadata"]["name"]
            # Like the API server with --validate=strict: refuse unknown fields, and Python names of known ones.
            KINDS[document["kind"]].model_validate(document, extra="forbid", by_alias=True, by_name=False)


def test_an_unknown_field_is_found() -> None:
    dataset = {"kind": "Dataset", "metadata": {"name": "x"}, "spec": {"source": {"configMap": {}}, "target": "y"}}
    for wrong in ({"sauce": 1}, {"check_every": "10s"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            KINDS["Dataset"].model_validate(
                dataset | {"spec": dataset["spec"] | wrong}, extra="forbid", by_alias=True, by_name=False
            )


def test_the_readme_trains_and_serves_what_the_example_does() -> None:
    """Each README object is a part of one of the example's objects, which the end-to-end tests apply."""
    examples = [yaml.safe_load(path.read_text()) for path in EXAMPLE.glob("*.yaml")]
    objects = [document for _, document in documents(README)]
    assert [obj["kind"] for obj in objects] == ["Dataset", "Model", "TrainingRun", "ModelDeployment"]
    for obj in objects:
        assert any(_within(obj, example) for example in examples), obj


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(any(_within(value, other) for other in whole) for value in part)
    return bool(part == whole)


def test_the_pages_have_yaml_of_every_kind_that_people_write() -> None:
    kinds = {document["kind"] for page in PAGES for _, document in documents(page) if "kind" in document}
    assert kinds >= KINDS.keys() - {"DatasetVersion"}  # only Datasets create DatasetVersions
