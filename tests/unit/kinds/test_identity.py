"""Checks which containers of which pods can say to the tracking server who they are, and what their pods may read.

``rules`` checks every pod that any test of a kind makes: no container has an identity that must not have it. Here each
that must have it has it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelyard.engine.resource import DEPLOYMENTS, JOBS, MODEL_DEPLOYMENTS, MODEL_POOLS, MODEL_VERSIONS, Object
from modelyard_api.wire.identity import READS
from tests.unit.kinds import packs, rules, test_modelversion, test_script, test_workspace
from tests.unit.kinds.objects import deployment
from tests.unit.kinds.pipelines import CHECK
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_pipelinerun import start
from tests.unit.kinds.test_pod_templates import WORLDS
from tests.unit.kinds.test_trainingrun import start as start_run
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import NAMESPACE, World


def _script() -> World:
    world = with_data()
    test_script.put(world)
    start_run(world, trainer=test_script.SCRIPT)
    return world


def _step() -> World:
    world = with_data()
    start(world, steps=[CHECK])
    return world


def _import() -> World:
    world = with_model()
    test_modelversion.put(world)
    return world


def _notebook() -> World:
    world = with_data()
    test_workspace.put(world, **test_workspace.DATA)
    return world


MORE: list[Callable[[], World]] = [_script, _step, _import, _notebook]


def templates(world: World) -> list[tuple[str, Object]]:
    """Returns the pod templates of all children, each with the kind of its owner."""
    children = [child for resource in (JOBS, DEPLOYMENTS) for child in world.all(resource)]
    owners = [next(ref for ref in child["metadata"]["ownerReferences"] if ref["controller"]) for child in children]
    return [(owner["kind"], child["spec"]["template"]) for owner, child in zip(owners, children, strict=True)]


def test_what_asks_the_store_has_the_identity_and_nothing_else() -> None:
    """A container that lacks it would be refused whatever it asks."""
    identified = set()
    for make in (*(make for _, make in WORLDS), *MORE):
        world = make()
        world.settle()
        for kind, template in templates(world):
            identified |= {(kind, item["name"], item["args"][0]) for item in rules.identified(template)}
    assert identified == rules.IDENTIFIED


def test_a_container_that_is_not_ours_is_found_out() -> None:
    """The rule would hold nothing back if it never failed."""
    world = with_data()
    start_run(world, trainer={"container": {"image": "ghcr.io/acme/trainer:1", "args": ["train"]}})
    ((kind, template),) = [item for item in templates(world) if item[0] == "TrainingRun"]
    (main,) = template["spec"]["containers"]
    rules._check_identity(template, kind)
    work = next(mount for mount in template["spec"]["initContainers"][0]["volumeMounts"] if mount["name"] == "work")
    for mount in ({"name": "identity", "mountPath": "/modelyard/identity", "readOnly": True}, work):
        main["volumeMounts"].append(mount)
        with pytest.raises(AssertionError):
            rules._check_identity(template, kind)
        main["volumeMounts"].remove(mount)


def test_a_serving_pod_may_read_its_model() -> None:
    world = with_model()
    train(world, "a")
    world.put(MODEL_DEPLOYMENTS, deployment())
    world.settle()
    (version,) = world.all(MODEL_VERSIONS)
    ((_, template),) = [item for item in templates(world) if item[0] == "ModelDeployment"]
    assert template["metadata"]["annotations"] == {READS: version["spec"]["artifact"]["uri"]}


def test_a_pool_may_read_all_models_of_its_namespace() -> None:
    world = World()
    own = {"metadata": {"annotations": {READS: "mlflow-artifacts:/modelyard/other"}}}
    world.put(MODEL_POOLS, packs.pool(podTemplate=own))  # of before the API server refused it
    world.settle()
    ((_, template),) = templates(world)
    assert template["metadata"]["annotations"] == {READS: f"mlflow-artifacts:/modelyard/{NAMESPACE}"}
