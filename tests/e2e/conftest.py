"""Provides scenes: one with a dataset, an empty one, and a model with versions for rollouts that end well or badly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.addons import Gateway
from tests.support.kube import Kube
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts
from tests.support.scene import Scene


@pytest.fixture(scope="module")
def rollouts(cluster: str, gateway: Gateway) -> Iterator[Rollouts]:
    with new_namespace(cluster) as kube:
        rollouts = Rollouts(kube, gateway)
        rollouts.prepare("equal", "equal", "other", "failing", "slow", "hungry", "renamed")
        yield rollouts


@pytest.fixture
def first(rollouts: Rollouts) -> Rollouts:
    """Redeploys the model: version 1 serves through the gateway, whatever an earlier test left behind."""
    rollouts.kube.run("delete", "modeldeployment", MODEL, "--ignore-not-found", "--wait")
    rollouts.deploy(1)
    rollouts.serving(1)
    with rollouts.asking() as clients:
        # The gateway applies a route a moment after the route's status reports it as accepted.
        rollouts.kube.until("an answer through the gateway", lambda: clients.answers, 60)
    return rollouts


@pytest.fixture
def scene(kube: Kube) -> Scene:
    """Has a dataset to train on, in the test's namespace."""
    scene = Scene(kube)
    scene.dataset()
    kube.until_condition("dataset", "good", seconds=240)
    return scene


@pytest.fixture
def other(cluster: str) -> Iterator[Scene]:
    """Is in a namespace of its own, and empty."""
    with new_namespace(cluster) as kube:
        yield Scene(kube)
