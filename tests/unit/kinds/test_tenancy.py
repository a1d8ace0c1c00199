"""Checks that no namespace's objects are resolved, read or woken by those of another.

Two namespaces hold the same names. In the other one all may be forged: labels, owners, annotations and statuses that
name what is the first one's. Every decision in the first must be as if the other didn't exist.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.engine.plan import (
    Closed,
    Deleted,
    EventsOf,
    Fetch,
    Listing,
    Need,
    PodsOf,
    PodsWith,
    Recorded,
    Result,
    Unavailable,
    Unreadable,
)
from modelyard.engine.resource import CONFIG_MAPS, GATEWAYS, NAMESPACES, NODES, TRAINING_RUNS, Key, Object
from modelyard.engine.tenancy import SHARED, outside
from modelyard_api.kinds.registry import KINDS
from tests.unit.kinds.world import NAMESPACE, World

OTHER = "others"
DELIVERS = {"PipelineSource": "it looks at what names it, since it delivers into namespaces that accept it"}
"""Kinds that objects of another namespace may wake, and why; they ask no more than whether that namespace accepts."""
every_kind = pytest.mark.parametrize("kind", KINDS)
fuzzed = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def _done(kind: str) -> World:
    """Returns a world in which an object of this kind has become Ready."""
    world: World = import_module(f"tests.unit.kinds.test_{kind.lower()}").done()[0]
    return world


def _world(kind: str) -> World:
    world = copy.copy(_done(kind))
    world.objects, world.notes = dict(world.objects), []
    world.read = copy.copy(world.read)
    world.restart()
    return world


def _decided(world: World) -> dict[Key, Any]:
    """Returns what each object of the first namespace would get, and what was asked for it."""
    decided = {}
    for key in world._keys():
        if key.namespace != NAMESPACE:
            continue
        controller = world.controllers[key.resource]
        world.read.clear()
        view = controller.observe(world.store, key)
        plan = world.plan(controller.decide, view, NAMESPACE) if view is not None else None
        decided[key] = (plan, {need for need in world.read if not _is_of_deliveries(key, need)})
    return decided


def _is_of_deliveries(key: Key, need: Need) -> bool:
    return key.resource.kind in DELIVERS and isinstance(need, Fetch) and need.resource == NAMESPACES


def _forged(world: World, draw: Any) -> Iterator[Object]:
    """Yields the objects of the first namespace as somebody in the other one may write them: each text stays, or names
    the other namespace; uids are new but where an owner, a label or an annotation names one."""
    for (resource, namespace, _), obj in list(world.objects.items()):
        if namespace != NAMESPACE or not draw(st.booleans()):
            continue
        forged = copy.deepcopy(obj)
        meta = forged["metadata"]
        meta |= {"namespace": OTHER, "uid": f"other-{meta['uid']}"}
        if draw(st.booleans()):
            meta["creationTimestamp"] = "2020-01-01T00:00:00Z"
        if draw(st.booleans()):
            meta.pop("ownerReferences", None)
        if draw(st.booleans()):
            forged.pop("status", None)
        yield {"resource": resource, "object": forged}


@every_kind
@fuzzed
@given(data=st.data())
def test_another_namespace_of_the_same_names_changes_nothing(kind: str, data: st.DataObject) -> None:
    world = _world(kind)
    before = _decided(world)
    assert before
    for entry in _forged(world, data.draw):
        slot = (entry["resource"], OTHER, entry["object"]["metadata"]["name"])
        world._keep(slot, entry["object"])
    assert _decided(world) == before
    for _, needs in before.values():
        assert all(outside(need, NAMESPACE) is None for need in needs)


@every_kind
def test_a_change_in_another_namespace_wakes_nothing(kind: str) -> None:
    world = _world(kind)
    for slot, obj in list(world.objects.items()):
        if slot[1] != NAMESPACE:
            continue
        foreign = copy.deepcopy(obj)
        foreign["metadata"]["namespace"] = OTHER
        for controller in world.controllers.values():
            if slot[0] in controller.watches and controller.resource.kind not in DELIVERS:
                woken = [key for key in controller.keys_of(slot[0], foreign, world.store) if key.namespace != OTHER]
                assert not woken, (slot, controller.resource.kind, woken)


# --- what a forged status may ask for ---------------------------------------------------------------------------------

FOREIGN = "mlflow-artifacts:/modelyard/others/uid/result.json"


@pytest.mark.parametrize(
    ("need", "refused"),
    [
        (Result("mlflow-artifacts:/modelyard/team/uid/result.json"), None),
        (Result(FOREIGN), Unreadable),
        (Result("mlflow-artifacts:/modelyard/team/../others/result.json"), Unreadable),
        (Result(""), Unreadable),
        (Listing("mlflow-artifacts:/modelyard/team/models/m/numbers"), None),
        (Listing("mlflow-artifacts:/modelyard/others/models/m/numbers"), Unavailable),
        (Recorded("mlflow-artifacts:/modelyard/team/models/m/numbers/1.uid"), None),
        (Recorded("mlflow-artifacts:/modelyard/others/models/m/numbers/1.uid"), Unavailable),
        (Deleted(("mlflow-artifacts:/modelyard/team/uid/look-1",)), None),
        (Deleted(("mlflow-artifacts:/modelyard/team/u/a", "mlflow-artifacts:/modelyard/others/u/a")), Unavailable),
        (Deleted(("mlflow-artifacts:/modelyard/team/",)), Unavailable),
        (Closed("modelyard/team/m", "uid", "KILLED"), None),
        (Closed("modelyard/others/m", "uid", "KILLED"), Unavailable),
        (Closed("modelyard/teams/m", "uid", "KILLED"), Unavailable),
        (PodsWith("team", "a=b"), None),
        (PodsWith("others", "a=b"), Unavailable),
        (PodsOf("others", "job", "uid"), Unavailable),
        (EventsOf("others", "uid", "FailedMount"), Unavailable),
        (Fetch(CONFIG_MAPS, "team", "a"), None),
        (Fetch(CONFIG_MAPS, "others", "a"), Unavailable),
        (Fetch(NODES, "", "n-1"), None),
        (Fetch(GATEWAYS, "gateways", "public"), None),
    ],
)
def test_what_leads_out_of_the_namespace_is_not_read(need: Need, refused: type | None) -> None:
    fact = outside(need, "team")
    assert fact is None if refused is None else isinstance(fact, refused)


def test_what_is_shared_is_shared_by_design() -> None:
    assert {resource.kind: bool(reason) for resource, reason in SHARED.items()} == {"Gateway": True}
    fields = {
        (info.kind, reference.kind): reference.namespace
        for info in (kind.info for kind in KINDS.values())
        for reference in info.refers
        if reference.namespace
    }
    assert fields == {("ModelDeployment", "Gateway"): ".spec.gateway.namespace"}


def test_a_forged_status_has_no_foreign_result_read() -> None:
    """Whoever may write a status may name any address there; the operator's own rights reach all of them."""
    world = _world("TrainingRun")
    world.results = {**world.results, FOREIGN: {"kind": "Failed", "error": {"reason": "Foreign", "message": "secret"}}}
    status = world.status_of(TRAINING_RUNS, "forest") | {"resultURI": FOREIGN}
    for lost in ("completionTime", "outputs", "conditions", "metrics", "phase"):
        status.pop(lost, None)
    world.status(TRAINING_RUNS, "forest", status)
    world.read.clear()
    world.settle()
    assert Result(FOREIGN) not in world.read
    assert "secret" not in repr(world.status_of(TRAINING_RUNS, "forest"))
