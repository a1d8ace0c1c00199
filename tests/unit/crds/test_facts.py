"""Checks that the facts (KindInfo) of the kinds agree with their schemas and with each other."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_api.fields.facts import KindInfo, Reference
from modelyard_api.kinds.registry import KINDS, resource_type
from tests.unit.crds.test_crds import roots, walk

INFOS = [kind.info for kind in KINDS.values()]
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
every_kind = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.kind)


def paths(kind: str) -> dict[str, dict[str, Any]]:
    """Returns the schema of each field of a kind, by JSON path."""
    return {path.removeprefix(kind): node for path, node in walk(roots()[kind], kind)}


@every_kind
def test_every_kind_that_is_named_is_known(info: KindInfo) -> None:
    named = (reference.kind for reference in info.refers if not reference.kind.startswith("."))
    for kind in (*info.owns, *info.watches, *named):
        assert resource_type(kind).kind == kind
    with pytest.raises(KeyError, match=r"Sorcerer is none of Dataset,.*add it to"):
        resource_type("Sorcerer")


@every_kind
def test_references_are_fields(info: KindInfo) -> None:
    known = paths(info.kind)
    for reference in info.refers:
        assert known[reference.path]["type"] == "string", reference
        for other in (reference.namespace, reference.kind):
            assert other is None or not other.startswith(".") or other in known, reference


@every_kind
def test_every_field_that_holds_an_objects_name_is_a_reference(info: KindInfo) -> None:
    references = {path for reference in info.refers for path in (reference.path, reference.namespace)}
    fields = {path for path, node in paths(info.kind).items() if node.get("pattern") == OBJECT_NAME}
    assert {path for path in fields if path.startswith(".spec")} <= references


def test_references_stay_in_their_namespace_but_to_what_is_shared() -> None:
    outside = {reference.kind for info in INFOS for reference in info.refers if reference.namespace}
    assert outside == {"Gateway"}
    # A PipelineSource may write into a namespace that accepts it.
    delivers = {reference.path for info in INFOS for reference in info.refers if reference.kind == "Namespace"}
    fields = {path for info in INFOS for path in paths(info.kind) if path.startswith(".spec") and "amespace" in path}
    assert fields - delivers == {item.namespace for info in INFOS for item in info.refers if item.namespace}
    assert delivers == {".spec.targets[].namespace"}


def test_the_operator_creates_what_is_owned_by_a_kind() -> None:
    owned = {kind for info in INFOS for kind in info.owns}
    assert {info.kind for info in INFOS if "create" in info.operator} == owned & KINDS.keys()
    assert {info.kind for info in INFOS if info.people == "Delete"} <= owned, "somebody has to make it"


@every_kind
def test_jobs_are_those_of_runs(info: KindInfo) -> None:
    assert ("Job" in info.owns) is (info.runs is not None)


def test_names_are_taken_once() -> None:
    for names in (
        [info.plural for info in INFOS],
        [info.short for info in INFOS],
        [info.runs.purpose for info in INFOS if info.runs],
    ):
        assert len(set(names)) == len(names), names


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (".spec.modelRef.name", ("m",)),
        (".spec.modelRef.version", ()),
        (".spec.pool", ("small",)),
        (".spec.podTemplate.imagePullSecrets[]", ("a", "b")),
        (".spec.other[]", ()),
        (".spec.pool.name", ()),
        (".status.pool", ()),
        (".spec.none", ()),
        (".spec.steps[].name", ("x", "y")),
    ],
)
def test_names_of_a_reference(path: str, names: tuple[str, ...]) -> None:
    spec = {
        "modelRef": {"name": "m"},
        "pool": "small",
        "podTemplate": {"imagePullSecrets": ["a", "b"]},
        "none": None,
        "steps": [{"name": "x"}, {}, {"name": "y"}],
    }
    assert Reference(path, "Model").names({"spec": spec}) == names
