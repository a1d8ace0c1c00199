"""How long a rolling rollout takes until the new version gets all traffic, and what the way through the gateway costs.

Needs a cluster with Modelyard, and adds the gateway if it is missing. The model has one replica, and a client sends
requests through the gateway all the while. Then wrk sends requests in a closed loop, on one connection and on sixteen,
straight to the pod and through the gateway.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.harness.bench.serving import load
from tests.localcluster import access
from tests.support.addons import Gateway, bring_up
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts, asked

CONNECTIONS = (1, 16)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="modelyard", help="the cluster, with Modelyard installed [modelyard]")
    parser.add_argument("--rollouts", type=int, default=5, help="there and back in turn [%(default)s]")
    parser.add_argument("--seconds", type=int, default=5, help="of load a round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="of load, in turn [%(default)s]")


def run(options: argparse.Namespace) -> dict[str, Any]:
    load.program()
    bring_up(options.name, "gateway")
    access.enter(options.name)
    with new_namespace(options.name) as kube:
        place = Rollouts(kube, Gateway(options.name))
        place.prepare("equal", "equal")
        place.deploy(1, replicas=1)
        place.serving(1)
        figures = _rollouts(place, options.rollouts)
        return {"benchmark": "rollout", **figures, **_gateway(place, options.seconds, options.rounds)}


def _rollouts(place: Rollouts, count: int) -> dict[str, Any]:
    seconds, failed = [], 0
    with place.asking(rate=50) as clients:
        place.kube.until("an answer through the gateway", lambda: clients.answers, 60)
        clients.failures.clear()
        for number in range(count):
            version = 2 - number % 2
            began = time.monotonic()
            place.deploy(version, replicas=1)
            place.serving(version)
            # Wait for requests under way to the old pod, and for the gateway to learn of the change.
            time.sleep(8)
            old = [when for when, answered in clients.answers if answered != str(version) and when > began]
            seconds.append(max(old, default=began) - began)
            print(f"rollout {number + 1} of {count}: {seconds[-1]:.1f} s", flush=True)
        failed = len(clients.failures)
    return {
        "rollout_seconds": round(statistics.median(seconds), 2),
        "all_rollout_seconds": [round(value, 2) for value in seconds],
        "requests_answered": len(clients.answers),
        "requests_failed": failed,
    }


def _gateway(place: Rollouts, seconds: int, rounds: int) -> dict[str, Any]:
    pods = place.kube.list("pods", f"modelyard.dev/modeldeployment={MODEL}")
    (pod,) = [item for item in pods if not item["metadata"].get("deletionTimestamp")]
    targets = {"pod": (pod["status"]["podIP"], 8080), "gateway": (place.gateway.address, place.gateway.port)}
    measured: dict[str, list[load.Round]] = {}
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "request"
        headers = {"Content-Type": "application/json"}
        path = f"/v2/models/{MODEL}/infer"
        request.write_bytes(load.raw(place.hostname, path, headers, json.dumps(asked()).encode()))
        for _ in range(rounds):
            for connections in CONNECTIONS:
                for target, (address, port) in targets.items():
                    item = load.drive(port, [request], connections, seconds, 1, address)
                    measured.setdefault(f"{target}_{connections}", []).append(item)
                    print(f"{target}, {connections} connections: {item.rate:.0f}/s, p50 {item.p50:.2f} ms", flush=True)
    figures: dict[str, Any] = {}
    for name, all_rounds in measured.items():
        figures[name] = {
            "requests_per_second": round(statistics.median(item.rate for item in all_rounds)),
            "p50_ms": round(statistics.median(item.p50 for item in all_rounds), 2),
            "p99_ms": round(statistics.median(item.p99 for item in all_rounds), 2),
            "failed": sum(item.failed for item in all_rounds),
        }
    return figures
