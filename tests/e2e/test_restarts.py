"""Checks restarts: of serving pods, without a failed request, and of the operator, while runs take all CPUs."""

from __future__ import annotations

import time

import pytest

from tests.support.kube import Kube, Object
from tests.support.rollout_scene import Rollouts
from tests.support.scene import SYSTEM, Scene, kill_operator

pytestmark = pytest.mark.cluster
RESTARTS = 20
BUSY = 12
LEADS_WITHIN = 60.0
"""Seconds: the killed leader's Lease runs for 15, and a new process starts meanwhile, where it gets CPUs."""
BURNS = "import time\nend = time.time() + 600\nwhile time.time() < end: pass"


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


@pytest.mark.disrupts
@pytest.mark.quiet
def test_a_new_leader_starts_within_seconds_while_runs_take_all_cpus(kube: Kube) -> None:
    scene, system = Scene(kube), Kube(kube.cluster, SYSTEM)
    scene.dataset()
    for k in range(BUSY):
        scene.run(f"busy-{k}", BURNS, podTemplate={"resources": {"requests": {"cpu": "50m"}}})
    kube.until("many burn", lambda: sum(map(_runs, kube.list("pods"))) >= BUSY - 3, 300)

    def leader() -> str:
        return str(((system.get("lease", "modelyard-operator") or {}).get("spec") or {}).get("holderIdentity") or "")

    before, killed = leader(), time.monotonic()
    kill_operator(kube.cluster)
    kube.until("another leader", lambda: leader() not in ("", before), 4 * LEADS_WITHIN)
    taken = time.monotonic() - killed
    print(f"a new leader after {taken:.1f} s at {BUSY} busy runs")
    assert taken < LEADS_WITHIN


def _runs(pod: Object) -> bool:
    return any("running" in item["state"] for item in (pod.get("status") or {}).get("containerStatuses") or ())
