"""Serving pods that end one after the other behind a plain Service, while clients ask by REST and by gRPC."""

from __future__ import annotations

import pytest

from tests.support.kube import Kube
from tests.support.rollout_scene import Rollouts

pytestmark = pytest.mark.cluster
RESTARTS = 20


def test_twenty_restarts_cost_no_request(kube: Kube) -> None:
    served = Rollouts(kube)
    served.prepare("equal")
    served.deploy(1)
    served.serving(1)
    with served.clients(rate=100) as requests, served.clients(by_grpc=True, rate=100) as calls:
        gone: set[str] = set()
        for _ in range(RESTARTS):
            # The older one, so that each is asked for a while before it ends.
            oldest = min(served.whole(2), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
            name = str(oldest["metadata"]["name"])
            kube.delete("pod", name)
            gone.add(name)
            kube.until(f"{name} is told to end", lambda name=name: name not in served.names(), 30)
        served.whole(2)
        served.until_ended()
    assert len(gone) == RESTARTS
    print(f"{RESTARTS} restarts: {len(requests.answers)} answers by REST, {len(calls.answers)} by gRPC")
    assert min(len(requests.answers), len(calls.answers)) > 1000
