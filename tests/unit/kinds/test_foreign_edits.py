"""Checks that nobody can change a child of ours for long: any edit is undone and told, and then all is silent."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from modelyard.engine.ownership import FIELD_MANAGER, Path
from modelyard.engine.resource import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    HTTP_ROUTES,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    SERVICES,
    TRAINING_RUNS,
)
from tests.unit.kinds import packs
from tests.unit.kinds.managed import Flat, Managed, flat, owners_of, unflat
from tests.unit.kinds.objects import run as training_run
from tests.unit.kinds.rollout.test_scaling import CONCURRENCY, CPU, edit, install, keda
from tests.unit.kinds.rollout.test_traffic import served_through_gateway
from tests.unit.kinds.test_model import train
from tests.unit.kinds.test_modeldeployment import served
from tests.unit.kinds.test_modelpool import done as pool_done
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import NAMESPACE, Slot, World

THEM = "kubectl-edit"
EXAMPLES = int(os.environ.get("FOREIGN_EDITS", "12"))


def by_cpu() -> World:
    world = served()
    edit(world, autoscaling=CPU)
    return world


def by_requests() -> World:
    world = served()
    install(world)
    edit(world, autoscaling=CONCURRENCY)
    keda(world)
    return world


def rolling() -> World:
    """Returns a world in which pods of version 2 wait to get a part of the traffic."""
    world = served_through_gateway()
    train(world, "b")
    return world


def pool() -> World:
    return pool_done()[0]


STORIES: dict[str, Callable[[], World]] = {
    "cpu": by_cpu,
    "requests": by_requests,
    "gateway": served_through_gateway,
    "rolling": rolling,
    "pool": pool,
}


@cache
def base(story: str) -> World:
    return STORIES[story]()


def settled(story: str) -> Managed:
    world = Managed(base(story))
    world.settle()
    world.notes.clear()
    return world


def children(world: Managed) -> list[Slot]:
    return [slot for slot, obj in world.objects.items() if (FIELD_MANAGER, "Apply") in owners_of(obj)]


def paths(world: Managed, slot: Slot) -> list[Path]:
    """Returns the fields that we set and that the API server lets others change."""
    obj = world.objects[slot]
    result = []
    for path in sorted(owners_of(obj)[FIELD_MANAGER, "Apply"]):
        if path[:2] == ("f:metadata", "f:ownerReferences") or (
            slot[0] == DEPLOYMENTS and path[:2] == ("f:spec", "f:selector")
        ):
            continue
        if len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:]):
            continue  # a key is the identity of its item
        result.append(path)
    return result


def other(value: Any) -> Any:
    """Returns another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return "foreign"
        case list():
            return [*value, *value[-1:]] if value else ["foreign"]
    return {**value, "foreign": "x"}


def changed(fields: Flat, path: Path) -> Flat:
    return {**fields, path: other(fields[path])}


def removed(fields: Flat, path: Path) -> Flat:
    return {each: value for each, value in fields.items() if each != path}


def beside(fields: Flat, path: Path) -> Flat:
    """Adds a field next to the given one, where that is not anybody's right."""
    if path[0] == "f:metadata" or path[-2] == "f:annotations":
        return changed(fields, path)
    return {**fields, (*path[:-1], "f:foreign"): "x"}


def item_removed(fields: Flat, path: Path) -> Flat:
    """Removes the innermost item of a list that the field is in."""
    depth = max((k for k, step in enumerate(path) if step.startswith("k:")), default=len(path) - 1)
    return {each: value for each, value in fields.items() if each[: depth + 1] != path[: depth + 1]}


def item_added(fields: Flat, path: Path) -> Flat:
    """Adds a copy of the innermost item of a list that the field is in, under another key."""
    depth = max((k for k, step in enumerate(path) if step.startswith("k:")), default=None)
    if depth is None:
        return beside(fields, path)
    keys = {key: other(value) for key, value in json.loads(path[depth][2:]).items()}
    step = "k:" + json.dumps(keys, separators=(",", ":"))
    item = {each[depth + 1 :]: value for each, value in fields.items() if each[: depth + 1] == path[: depth + 1]}
    item |= {(f"f:{key}",): value for key, value in keys.items()}
    return {**fields, **{(*path[:depth], step, *rest): value for rest, value in item.items()}}


EDITS = [changed, removed, beside, item_removed, item_added]


def with_fields(obj: Any, fields: Flat) -> Any:
    new = unflat(fields)
    system = {key: value for key, value in obj["metadata"].items() if key not in ("labels", "annotations")}
    meta = {**system, **{key: value for key, value in new.get("metadata", {}).items() if key != "ownerReferences"}}
    kept = {key: obj[key] for key in ("apiVersion", "kind", "status") if key in obj}
    return copy.deepcopy({**new, **kept, "metadata": meta})


@pytest.mark.parametrize("story", STORIES)
@settings(max_examples=EXAMPLES, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data())
def test_any_edit_of_a_child_is_undone_and_told(story: str, data: st.DataObject) -> None:
    world = settled(story)
    slot = data.draw(st.sampled_from(children(world)), "child")
    path = data.draw(st.sampled_from(paths(world, slot)), "field")
    change = data.draw(st.sampled_from(EDITS), "edit")
    before = flat(world.objects[slot])
    uid = world.objects[slot]["metadata"]["uid"]
    world.edit(slot, with_fields(world.objects[slot], change(before, path)), THEM)
    assert flat(world.objects[slot]) != before
    world.settle()
    assert flat(world.objects[slot]) == before
    assert world.objects[slot]["metadata"]["uid"] == uid, "it was deleted and made again"
    told = [message for _, reason, message in world.notes if reason == "DriftCorrected"]
    assert any(slot[0].kind in message and slot[2] in message for message in told), told
    writes = world.writes
    world.settle()
    assert world.writes == writes


# --- what the issue saw, one by one -----------------------------------------------------------------------------------


def written(world: Managed, slot: Slot, change: Callable[[Any], None], manager: str) -> list[tuple[str, str]]:
    """Changes an object, settles, and returns the reasons and messages of the Warnings about it."""
    obj = copy.deepcopy(world.objects[slot])
    change(obj)
    world.edit(slot, obj, manager)
    world.settle()
    return [(reason, message) for _, reason, message in world.notes if slot[2] in message and "Drift" in reason]


def containers(obj: Any) -> Any:
    return obj["spec"]["template"]["spec"]["containers"]


def test_a_foreign_image_is_neither_kept_nor_believed() -> None:
    world, slot = settled("cpu"), (DEPLOYMENTS, NAMESPACE, "species-v1")
    ours = containers(world.objects[slot])[0]["image"]
    told = written(world, slot, lambda obj: containers(obj)[0].update(image="theirs"), "kubectl-set")
    assert containers(world.objects[slot])[0]["image"] == ours
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["image"] == ours
    field = "spec.template.spec.containers[name=server].image"
    remedy = "set back, since ModelDeployment species owns it: change its spec instead"
    assert told == [("DriftCorrected", f"Deployment species-v1: {field} was changed by kubectl-set; {remedy}")]


def test_a_foreign_image_of_a_pools_pods_is_neither_kept_nor_believed() -> None:
    world, slot = settled("pool"), (DEPLOYMENTS, NAMESPACE, packs.CHILD)
    ours = containers(world.objects[slot])[0]["image"]
    assert written(world, slot, lambda obj: containers(obj)[0].update(image="theirs"), "kubectl-set")
    assert containers(world.objects[slot])[0]["image"] == ours
    assert world.status_of(MODEL_POOLS, packs.POOL)["image"] == ours


def test_one_more_label_in_a_selector_and_one_more_variable_are_removed() -> None:
    world, slot = settled("cpu"), (SERVICES, NAMESPACE, "species")
    selector = copy.deepcopy(world.objects[slot]["spec"]["selector"])
    told = written(world, slot, lambda obj: obj["spec"]["selector"].update(app="other"), "kubectl-patch")
    assert world.objects[slot]["spec"]["selector"] == selector
    assert "spec.selector was changed by kubectl-patch" in told[0][1]
    slot = (DEPLOYMENTS, NAMESPACE, "species-v1")
    env = copy.deepcopy(containers(world.objects[slot])[0]["env"])
    told = written(
        world, slot, lambda obj: containers(obj)[0]["env"].append({"name": "EXTRA", "value": "1"}), "kubectl-set"
    )
    assert containers(world.objects[slot])[0]["env"] == env
    assert "containers[name=server].env[name=EXTRA] was added by kubectl-set" in told[0][1]


def test_a_rule_that_others_add_to_a_route_is_not_taken_for_one_of_a_test() -> None:
    """While a rollout goes on, the rules of a test that has left the spec stay."""
    world, slot = settled("rolling"), (HTTP_ROUTES, NAMESPACE, "species")
    rules = copy.deepcopy(world.objects[slot]["spec"]["rules"])
    assert written(world, slot, lambda obj: obj["spec"]["rules"].append(rules[-1]), THEM)
    assert world.objects[slot]["spec"]["rules"] == rules


def test_a_restart_annotation_and_labels_of_others_stay() -> None:
    world, slot = settled("cpu"), (DEPLOYMENTS, NAMESPACE, "species-v1")

    def restart(obj: Any) -> None:
        annotations = obj["spec"]["template"]["metadata"].setdefault("annotations", {})
        annotations["kubectl.kubernetes.io/restartedAt"] = "2026-01-05T12:00:00Z"
        obj["metadata"]["labels"]["team"] = "coffee"

    assert written(world, slot, restart, "kubectl-rollout") == []
    live = world.objects[slot]
    assert "kubectl.kubernetes.io/restartedAt" in live["spec"]["template"]["metadata"]["annotations"]
    assert live["metadata"]["labels"]["team"] == "coffee"


def test_defaults_of_the_api_server_are_nobodys_edit() -> None:
    for story in STORIES:
        world = settled(story)
        world.restart()
        world.settle()
        writes = world.writes
        world.settle()
        assert (world.writes, [note for note in world.notes if "Drift" in note[1]]) == (writes, []), story


def test_a_field_that_a_later_manifest_lacks_goes_although_a_correction_had_set_it() -> None:
    """The correction is a patch, whose fields a server-side apply would leave."""
    world, slot = Managed(served()), (DEPLOYMENTS, NAMESPACE, "species-v1")
    env = [{"name": "MODE", "value": "fast"}]
    edit(world, podTemplate={"env": env})

    def foreign(obj: Any) -> None:
        containers(obj)[0]["env"][-1]["value"] = "slow"
        containers(obj)[0]["command"] = ["sh"]

    assert written(world, slot, foreign, THEM)
    assert containers(world.objects[slot])[0]["env"][-1] == env[0]
    edit(world)
    assert "MODE" not in [item["name"] for item in containers(world.objects[slot])[0]["env"]]
    assert "command" not in containers(world.objects[slot])[0]


def test_a_fight_costs_few_writes_and_is_told_as_one() -> None:
    world, slot = settled("cpu"), (DEPLOYMENTS, NAMESPACE, "species-v1")
    before = world.writes
    for _ in range(20):
        written(world, slot, lambda obj: obj["spec"].update(replicas=obj["spec"]["replicas"] + 5), "other-operator")
    assert world.writes - before < 10
    messages = {message for _, reason, message in world.notes if reason == "DriftRecurring"}
    assert len(messages) <= 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("parallelism", 3), ("backoffLimit", 99), ("ttlSecondsAfterFinished", 5), ("activeDeadlineSeconds", 7)],
)
def test_what_others_change_in_a_running_job_is_undone_and_told(field: str, value: int) -> None:
    base = with_data()
    base.put(TRAINING_RUNS, training_run())
    base.settle()
    world = Managed(base)
    world.settle()
    slot = next(slot for slot in world.objects if slot[0] == JOBS and slot[2].startswith("forest"))
    before = world.objects[slot]["spec"].get(field, 1 if field == "parallelism" else None)
    told = written(world, slot, lambda obj: obj["spec"].update({field: value}), THEM)
    assert world.objects[slot]["spec"].get(field) == before
    assert told
    assert f"spec.{field}" in told[0][1]


def test_a_job_gets_its_labels_back() -> None:
    base = with_data()
    base.put(TRAINING_RUNS, training_run())
    base.settle()
    world = Managed(base)
    slot = next(slot for slot in world.objects if slot[0] == JOBS and slot[2].startswith("forest"))
    labels = copy.deepcopy(world.objects[slot]["metadata"]["labels"])
    written(world, slot, lambda obj: obj["metadata"]["labels"].pop("modelyard.dev/trainingrun"), THEM)
    assert world.objects[slot]["metadata"]["labels"] == labels


def test_a_pools_catalogue_holds_nothing_of_others() -> None:
    world, slot = settled("pool"), (CONFIG_MAPS, NAMESPACE, packs.CHILD)
    assert written(world, slot, lambda obj: obj["data"].update({"other.json": "{}"}), THEM)
    assert list(world.objects[slot]["data"]) == ["catalogue.json"]
