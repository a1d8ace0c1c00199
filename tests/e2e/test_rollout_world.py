"""Checks serving through a real gateway while pods are killed, nodes drained or lost, and the operator killed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.localcluster import kind
from tests.localcluster.addons import gateway as addon
from tests.support.addons import Gateway
from tests.support.kube import Kube
from tests.support.namespace import new_namespace
from tests.support.pressure import small_disk
from tests.support.rollout_scene import MODEL, Rollouts
from tests.support.scene import kill_operator, vacate, without_power

pytestmark = [pytest.mark.cluster, pytest.mark.disrupts]
CONNECTIONS = 4
STEPS = [{"weight": 10, "pause": "12s"}, {"weight": 50, "pause": "12s"}]


@pytest.fixture(scope="module")
def served(cluster: str, gateway: Gateway) -> Iterator[Rollouts]:
    """Yields two versions that answer alike. The gateway's own pods run on node 1, which no test takes away."""
    vacate(Kube(cluster, addon.CONTROLLERS), kind.container(cluster, 2))
    with new_namespace(cluster) as kube:
        rollouts = Rollouts(kube, gateway)
        rollouts.prepare("equal", "equal")
        rollouts.deploy(1)
        rollouts.serving(1)
        with rollouts.asking() as clients:
            kube.until("an answer through the gateway", lambda: clients.answers, 60)
        yield rollouts


def on_both(rollouts: Rollouts) -> None:
    """Waits until each node has one replica, and deletes pods until the scheduler has placed them so."""
    nodes = {kind.container(rollouts.kube.cluster, n) for n in (1, 2)}

    def spread() -> bool:
        pods = rollouts.pods()
        if len(pods) != 2:
            return False
        if {pod["spec"]["nodeName"] for pod in pods} == nodes:
            return True
        # Spreading is only a preference of the scheduler: delete a pod, so that its successor may go to the other node.
        rollouts.kube.run("delete", "pod", pods[0]["metadata"]["name"], "--wait")
        return False

    rollouts.kube.until("replicas on both nodes", spread, 180, every=2)


def test_killed_pods_cost_no_request(served: Rollouts) -> None:
    on_both(served)
    with served.clients() as clients:
        for turn in range(6):
            name = served.whole(2)[turn % 2]["metadata"]["name"]
            at_once = {"gracePeriodSeconds": 0} if turn % 2 else {}
            served.kube.delete("pod", name, **at_once)
            served.kube.until(f"{name} is out", lambda name=name: name not in served.names(), 60)
        served.whole(2)
        served.until_ended()
    assert set(clients.since(0)) == {"1"}


def test_a_drained_node_costs_no_request(served: Rollouts) -> None:
    kube, two = served.kube, kind.container(served.kube.cluster, 2)
    on_both(served)
    with served.clients():
        kube.run("drain", two, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
        try:
            assert {pod["spec"]["nodeName"] for pod in served.whole(2)} == {kind.container(kube.cluster, 1)}
            served.until_ended()
        finally:
            kube.run("uncordon", two)


def test_a_node_that_is_short_of_disk_costs_no_request(served: Rollouts) -> None:
    kube, (one, two) = served.kube, (kind.container(served.kube.cluster, n) for n in (1, 2))
    on_both(served)
    evicted = next(pod["metadata"]["name"] for pod in served.pods() if pod["spec"]["nodeName"] == two)
    with small_disk(kube, 2) as disk, served.clients():
        disk.fill()
        kube.until("the eviction", lambda: ((kube.get("pod", evicted) or {})["status"]).get("reason") == "Evicted", 60)
        assert {pod["spec"]["nodeName"] for pod in served.whole(2)} == {one}
        kube.until_condition("modeldeployment", MODEL)
        served.until_ended()


def test_a_lost_node_costs_what_was_on_its_way_to_it(served: Rollouts) -> None:
    on_both(served)
    with served.asking(connections=CONNECTIONS) as clients:
        served.kube.until("answers", lambda: len(clients.answers) > 100, 30)
        with without_power(served.kube, 2):
            lost = time.monotonic()
            # 20 s cover the clients' timeout and the gateway's health checks of its backends.
            time.sleep(20)
            failed = len(clients.failures)
            assert failed <= CONNECTIONS, clients.failures[:10]
            assert sum(clients.since(lost + 15).values()) > 50
            # A connection that conntrack still maps to a pod on the lost node may fail up to a minute after its end.
            time.sleep(max(0.0, lost + 65 - time.monotonic()))
        on_both(served)
        time.sleep(3)
    print(f"lost node: {failed} requests on their way to it failed, of {len(clients.answers)}")
    assert len(clients.failures) == failed, clients.failures[:10]


def test_a_canary_goes_on_when_the_operator_is_killed_at_each_step(served: Rollouts) -> None:
    moments = []
    with served.clients() as clients:
        served.deploy(2, strategy="Canary", steps=STEPS)
        for what, progress in (
            ("the candidate", {"candidate": 2}),
            ("10 percent", {"weight": 10}),
            ("50 percent", {"weight": 50}),
            ("everything", {"weight": 100}),
        ):
            moments.append(served.until(what, **progress))
            kill_operator(served.kube.cluster)
        done = served.serving(2)
        time.sleep(3)
    history = [item["version"] for item in served.status["history"]]
    assert history == [1, 2]
    assert not served.status["rejected"]
    assert set(clients.since(done + 1)) == {"2"}
    shares = clients.since(moments[2] + 2, moments[3] - 2)
    assert shares["2"] / max(1, sum(shares.values())) == pytest.approx(0.5, abs=0.05), shares
    assert [child["metadata"]["name"] for child in served.kube.list("deployments")] == [f"{MODEL}-v2"]
