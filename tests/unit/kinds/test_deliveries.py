"""Checks what a PipelineSource delivers: where, in which order, over whose objects, and what it prunes."""

from __future__ import annotations

import pytest

from modelyard.engine.resource import MODELS, NAMESPACES, PIPELINE_SOURCES, Object
from modelyard_api.kinds.pipelinesource import ACCEPTS
from tests.kinds.pipelinesource import commit_of
from tests.unit.kinds.test_pipelinesource import FIRST, NAME, SECOND, Repository, delivered
from tests.unit.kinds.world import NAMESPACE, World


def other_namespace(world: World, accepts: str | None, name: str = "production") -> None:
    annotations = {ACCEPTS: accepts} if accepts is not None else {}
    world.put(NAMESPACES, {"metadata": {"name": name, "namespace": "", "annotations": annotations}})


def two_targets() -> Object:
    return {"targets": [{"name": "here"}, {"name": "production", "namespace": "production"}]}


def test_what_leaves_the_repository_is_pruned() -> None:
    world = delivered()
    world.put(MODELS, {"metadata": {"name": "mine"}, "spec": {"task": "Classification"}})
    world.come(SECOND)
    assert world.models() == {"delivered", "mine"}
    assert any("1 pruned" in text for _, reason, text in world.notes if reason == "Delivered")


def test_a_copy_of_what_was_delivered_is_left_alone() -> None:
    world = delivered()
    copy = world.get(MODELS, "other")
    meta = {key: copy["metadata"][key] for key in ("labels", "annotations")}
    world.put(MODELS, {"metadata": {"name": "mine", **meta}, "spec": copy["spec"]})
    world.come(SECOND)
    assert world.models() == {"delivered", "mine"}


def test_a_target_that_leaves_the_spec_is_emptied() -> None:
    world = Repository()
    other_namespace(world, NAMESPACE)
    world.source(**two_targets())
    world.end()
    world.end()
    assert world.models("production") == {"delivered", "other"}
    world.source()
    world.end()
    assert (world.models(), world.models("production")) == ({"delivered", "other"}, set())


def test_a_second_target_comes_after_the_first() -> None:
    world = Repository()
    other_namespace(world, NAMESPACE)
    world.source(**two_targets())
    world.end()
    world.put(MODELS, {"metadata": {"name": "other"}, "spec": {"task": "Classification"}})
    world.end()
    assert world.told()[:2] == ("False", "DeliveryRefused")
    assert world.get(MODELS, "other")["metadata"].get("labels") is None, "it is somebody else's"
    assert [item["phase"] for item in world.state["targets"]] == ["Refused", "Pending"]
    assert not world.models("production")
    world.delete(MODELS, "other")
    world.settle()
    assert [item["phase"] for item in world.state["targets"]] == ["Delivered", "Delivered"]
    assert world.models("production") == {"delivered", "other"}


@pytest.mark.parametrize(("accepts", "says"), [(None, "does not accept"), ("teams, a", "does not accept")])
def test_another_namespace_has_to_accept_it(accepts: str | None, says: str) -> None:
    world = Repository()
    other_namespace(world, accepts)
    world.source(**two_targets())
    world.end()
    world.end()
    assert world.told()[1] == "DeliveryRefused"
    assert says in world.state["targets"][1]["message"]
    assert f"{ACCEPTS}: {NAMESPACE}" in world.state["targets"][1]["message"]
    assert (world.models(), world.models("production")) == ({"delivered", "other"}, set())
    other_namespace(world, f"a, {NAMESPACE}")
    world.settle()
    assert world.models("production") == {"delivered", "other"}


def test_a_namespace_that_accepts_no_more_keeps_what_it_has() -> None:
    world = Repository()
    other_namespace(world, NAMESPACE)
    world.source(**two_targets())
    world.end()
    world.end()
    other_namespace(world, "")
    world.come(SECOND)
    assert (world.models(), world.models("production")) == ({"delivered"}, {"delivered", "other"})
    assert world.state["targets"][1]["commit"] == commit_of(FIRST)


def test_a_namespace_that_is_not_there() -> None:
    world = delivered(**two_targets())
    assert "there is no namespace production" in world.state["targets"][1]["message"]


def test_what_others_changed_or_deleted_comes_back() -> None:
    world = delivered()
    world.delete(MODELS, "other")
    world.put(MODELS, {"metadata": {"name": "delivered"}, "spec": {"task": "Regression"}})
    world.settle()
    assert world.models() == {"delivered", "other"}
    assert world.get(MODELS, "delivered")["spec"]["task"] == "Classification"


def test_a_new_source_of_the_name_takes_over() -> None:
    world = delivered()
    world.delete(PIPELINE_SOURCES, NAME)
    assert world.models() == {"delivered", "other"}
    world.source()
    world.end()
    world.end()
    assert world.told()[:2] == ("True", "Delivered")
    uid = world.get(PIPELINE_SOURCES, NAME)["metadata"]["uid"]
    assert world.get(MODELS, "other")["metadata"]["labels"]["modelyard.dev/pipelinesource-uid"] == uid


def test_manifests_that_are_gone_are_told() -> None:
    world = delivered()
    world.results.clear()
    world.delete(MODELS, "other")
    world.settle()
    assert world.told()[:2] == ("False", "ResultMissing")
