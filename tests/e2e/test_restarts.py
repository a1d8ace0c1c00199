"""Checks that serving pods behind a plain Service end one by one without a failed REST or gRPC request."""

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
        deleted: set[str] = set()
        for _ in range(RESTARTS):
            # Delete the older pod, so that each pod gets requests for a while before it ends.
            oldest = min(served.whole(2), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
            name = str(oldest["metadata"]["name"])
            kube.delete("pod", name)
            deleted.add(name)
            kube.until(f"{name} is told to end", lambda name=name: name not in served.names(), 30)
        served.whole(2)
        served.until_ended()
    assert len(deleted) == RESTARTS
    print(f"{RESTARTS} restarts: {len(requests.answers)} answers by REST, {len(calls.answers)} by gRPC")
    assert min(len(requests.answers), len(calls.answers)) > 1000
