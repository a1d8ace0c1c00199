"""Provides a model with versions of every kind, for rollouts that complete or roll back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.addons import Gateway
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts


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
