"""A model with versions of every kind, which rollouts go forth and back on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.addons import Gateway
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts


@pytest.fixture(scope="module")
def rollouts(cluster: str, gateway: Gateway) -> Iterator[Rollouts]:
    with new_namespace(cluster) as kube:
        made = Rollouts(kube, gateway)
        made.prepare("equal", "equal", "other", "failing", "slow", "hungry")
        yield made


@pytest.fixture
def first(rollouts: Rollouts) -> Rollouts:
    """Version 1 serves through the gateway, whatever was before."""
    rollouts.kube.run("delete", "modeldeployment", MODEL, "--ignore-not-found", "--wait")
    rollouts.deploy(1)
    rollouts.serving(1)
    with rollouts.asking() as clients:
        # The gateway hears of a route a moment after its status says so.
        rollouts.kube.until("an answer through the gateway", lambda: clients.answers, 60)
    return rollouts
