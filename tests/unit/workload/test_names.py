"""Checks the names of children and how their owner is recognised."""

from __future__ import annotations

import re

import pytest

from modelyard.workload.names import child_metadata, child_name, controller_uid, owned_by, short_hash

OWNER = {"kind": "TrainingRun", "metadata": {"name": "forest", "namespace": "team", "uid": "u1"}}


@pytest.mark.parametrize("parent", ["a", "a" * 45, "a" * 45 + "-v1000000", "a" * 43 + "-" * 3 + "b" * 20])
@pytest.mark.parametrize("purpose", ["train", "ingest", "evaluate"])
def test_names_are_dns_labels_of_at_most_63_characters(parent: str, purpose: str) -> None:
    name = child_name(parent, purpose, "u1")
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert f"-{purpose}-" in name
    assert f"--{purpose}" not in name, "cut parents end in a letter or digit"


def test_a_name_that_fits_is_not_cut_and_two_identities_never_meet() -> None:
    assert child_name("forest", "train", "u1") == f"forest-train-{short_hash('u1')}"
    assert child_name("a" * 60, "train", "u1") != child_name("a" * 60, "train", "u2")


def test_parts_of_an_identity_cannot_flow_into_each_other() -> None:
    assert short_hash("ab", "c") != short_hash("a", "bc")
    assert short_hash(1, None) == short_hash("1", "None")


def test_a_child_names_its_parent_by_label_and_by_uid() -> None:
    meta = child_metadata(OWNER, "child", "modelyard-training", {"extra": "x"})
    assert meta["labels"]["modelyard.dev/trainingrun"] == "forest"
    assert meta["labels"]["extra"] == "x"
    child = {"metadata": meta}
    assert controller_uid(child) == "u1"
    assert owned_by(child, OWNER)


def test_an_owner_of_the_same_name_is_not_the_owner() -> None:
    child = {"metadata": child_metadata(OWNER, "child", "x")}
    successor = {"kind": "TrainingRun", "metadata": {**OWNER["metadata"], "uid": "u2"}}
    assert not owned_by(child, successor)
    child["metadata"]["ownerReferences"][0]["controller"] = False
    assert not owned_by(child, OWNER)
    assert not owned_by({"metadata": {}}, OWNER)
    assert not owned_by(None, OWNER)
