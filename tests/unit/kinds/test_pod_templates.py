"""Checks that every kind with a podTemplate gives its labels, annotations and placement to its pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelyard.engine.resource import DATASETS, DEPLOYMENTS, JOBS, MODEL_DEPLOYMENTS, MODEL_POOLS, TRAINING_RUNS, Object
from modelyard_api.kinds.registry import KINDS
from tests.kinds.sample import SPREAD
from tests.unit.kinds import (
    packs,
    test_batchprediction,
    test_sweep,
    test_workspace,
)
from tests.unit.kinds.objects import dataset, deployment, put_data, run
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_pipelinesource import Repository
from tests.unit.kinds.test_trainingrun import OWN, with_data
from tests.unit.kinds.world import World

WRITTEN: Object = {
    "metadata": {"labels": {"team": "a"}, "annotations": {"prometheus.io/scrape": "true"}},
    "serviceAccountName": "reader",
    "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "labelSelector": {"matchLabels": {"team": "a"}}}
    ]}},
    "topologySpreadConstraints": [SPREAD],
}  # fmt: skip


def _dataset() -> World:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(podTemplate=WRITTEN))
    return world


def _run(**spec: Any) -> World:
    world = with_data()
    world.put(TRAINING_RUNS, run(podTemplate=WRITTEN, **spec))
    return world


def _deployment() -> World:
    world = with_model()
    train(world, "a")
    world.put(MODEL_DEPLOYMENTS, deployment(podTemplate=WRITTEN))
    return world


def _pool() -> World:
    world = World()
    world.put(MODEL_POOLS, packs.pool(podTemplate=WRITTEN))
    return world


def _prediction() -> World:
    world = test_batchprediction.with_champion()
    test_batchprediction.start(world, podTemplate=WRITTEN)
    return world


def _source() -> World:
    """Returns a world in which the ref was looked up, and what is there is built."""
    world = Repository()
    world.source(podTemplate=WRITTEN)
    world.end()
    return world


def _sweep() -> World:
    world = with_data()
    test_sweep.start(world, modelRef=None, podTemplate=WRITTEN)
    return world


def _workspace() -> World:
    world = World()
    test_workspace.put(world, podTemplate=WRITTEN)
    return world


WORLDS: list[tuple[str, Callable[[], World]]] = [
    ("Dataset", _dataset),
    ("TrainingRun", _run),
    ("TrainingRun", lambda: _run(trainer=OWN)),
    ("ModelDeployment", _deployment),
    ("ModelPool", _pool),
    ("BatchPrediction", _prediction),
    ("PipelineSource", _source),
    ("Sweep", _sweep),
    ("Workspace", _workspace),
]


def test_no_kind_is_missing() -> None:
    kinds = {
        name for name, kind in KINDS.items() if "pod_template" in kind.model_fields["spec"].annotation.model_fields
    }  # type: ignore[union-attr]
    assert kinds == {kind for kind, _ in WORLDS}


@pytest.mark.parametrize(("kind", "make"), WORLDS)
def test_what_is_written_is_in_the_pods(kind: str, make: Callable[[], World]) -> None:
    world = make()
    world.settle()
    label = f"modelyard.dev/{kind.lower()}"
    children = [child for resource in (JOBS, DEPLOYMENTS) for child in world.all(resource)]
    made = [child for child in children if label in child["metadata"]["labels"]]
    assert made
    for child in made:
        template = child["spec"]["template"]
        assert template["metadata"]["labels"] == {**child["metadata"]["labels"], "team": "a"}
        assert template["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
        assert "team" not in child["spec"].get("selector", {}).get("matchLabels", {}), (
            "a Deployment's selector is immutable"
        )
        spec = template["spec"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("reader", False)
        assert spec["affinity"]["podAffinity"] == WRITTEN["affinity"]["podAffinity"]
        assert SPREAD in spec["topologySpreadConstraints"]
