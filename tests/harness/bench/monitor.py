"""Windows of real pods under a ModelMonitor: how many of unshifted traffic raise an alarm, and how soon a shift does.

Needs a cluster with Modelyard. Several ModelDeployments serve one model, the last one in a ModelPool, and each has a
monitor with the shortest window. Clients ask each about birds drawn from the rows that the model was trained on, until
so many windows are judged; then the scale of all clients adds some grams to each bird.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import Any

from modelyard.engine.conditions import parse_time
from modelyard_api.kinds.modelmonitor import FalseAlarms
from tests.localcluster import access
from tests.support.birds import ROWS, Flock
from tests.support.kube import Kube, Object, condition
from tests.support.mainjob import EXAMPLES, FIRST_DATA, MODEL, MainJob
from tests.support.namespace import new_namespace
from tests.support.report import Progress, show
from tests.support.scene import Scene

POOL = "pool"
SECONDS = 10
"""The length of a window."""
GIVE_UP = 6
"""Windows after the shift by which an alarm must have come."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="modelyard", help="the cluster, with Modelyard installed [modelyard]")
    parser.add_argument("--windows", type=int, default=100, help="unshifted windows to judge, in all [%(default)s]")
    parser.add_argument("--deployments", type=int, default=4, help="watched side by side [%(default)s]")
    parser.add_argument("--grams", type=float, default=1000, help="that the shifted birds are heavier [%(default)s]")
    parser.add_argument("--rate", type=float, default=5, help=f"requests a second of {ROWS} rows to each [%(default)s]")


def run(options: argparse.Namespace) -> dict[str, Any]:
    access.enter(options.name)
    with new_namespace(options.name) as kube:
        _learn(kube)
        names = [f"watched-{number}" for number in range(1, options.deployments + 1)]
        _watch(kube, names)
        flock = Flock(EXAMPLES / FIRST_DATA)
        with ExitStack() as stack:
            clients = [stack.enter_context(flock.clients(kube, name, options.rate)) for name in names]
            kube.until("all clients are answered", lambda: all(client.answers for client in clients), 60)
            quiet = _quiet(kube, options.windows)
            flock.scale_error = options.grams
            found = _found(kube, names, time.time())
            failed = sum(len(client.failures) for client in clients)
    figures = {**quiet, "found_after_windows": found, "requests_failed": failed}
    show(figures)
    return {"benchmark": "monitor", "deployments": options.deployments, "rows_a_window": rows(options.rate), **figures}


def rows(rate: float) -> int:
    return round(rate * ROWS * SECONDS)


def _learn(kube: Kube) -> None:
    job = MainJob(kube)
    job.put_data()
    for file in ("dataset.yaml", "model.yaml", "trainingrun-2008.yaml"):
        job.apply(file)
    print("waiting for the model", flush=True)
    kube.until_condition("modelversion", f"{MODEL}-v1", seconds=300)


def _watch(kube: Kube, names: list[str]) -> None:
    scene = Scene(kube)
    scene.put("ModelPool", POOL, {"replicas": 1})
    for name in names:
        spec: dict[str, Any] = {"modelRef": {"name": MODEL, "version": 1}}
        scene.put("ModelDeployment", name, spec | ({"pool": POOL} if name == names[-1] else {}))
    for name in names:
        print(f"waiting for {name}", flush=True)
        kube.until_condition("modeldeployment", name, seconds=300)
        watch = {"deploymentRef": {"name": name}, "window": {"length": f"{SECONDS}s", "minRows": 100}}
        scene.put("ModelMonitor", name, watch)


def _quiet(kube: Kube, windows: int) -> dict[str, Any]:
    """Returns what was said of the unshifted windows, each of which is looked at in its own time."""
    judged: dict[tuple[str, str], tuple[str, str]] = {}
    unjudged: dict[str, int] = defaultdict(int)
    progress = Progress("unshifted windows", windows)
    seen: set[tuple[str, str]] = set()
    while len(judged) < windows:
        for name, monitor in _monitors(kube).items():
            inputs, outputs = condition(monitor, "InputsStable"), condition(monitor, "OutputsStable")
            window = (monitor.get("status") or {}).get("window")
            if not (window and inputs and outputs) or (name, window["to"]) in seen:
                continue
            seen.add((name, window["to"]))
            if inputs["status"] == "Unknown":
                unjudged[inputs["reason"]] += 1
            else:
                judged[name, window["to"]] = (inputs["status"], outputs["status"])
                for said in (inputs, outputs):
                    if said["status"] == "False":
                        print(f"{name}, {window['end']}: {said['message']}", flush=True)
        progress.at(len(judged))
        time.sleep(2)
    progress.end()
    return {
        "windows": len(judged),
        "false_alarms_of_inputs": sum(inputs == "False" for inputs, _ in judged.values()),
        "false_alarms_of_outputs": sum(outputs == "False" for _, outputs in judged.values()),
        "false_alarms_allowed": round(len(judged) * SECONDS * FalseAlarms().per_week / (7 * 24 * 3600), 6),
        "not_judged": dict(unjudged),
    }


def _found(kube: Kube, names: list[str], shifted: float) -> dict[str, Any]:
    """Returns, for each monitor, the number of the first window since the shift in which it names the body mass, or
    None. Window 1 is the first one whose rows are all shifted, so 0 is one of which only a part is."""
    first = shifted // SECONDS * SECONDS
    found: dict[str, Any] = dict.fromkeys(names)
    while None in found.values() and time.time() < shifted + GIVE_UP * SECONDS:
        for name, monitor in _monitors(kube).items():
            inputs = condition(monitor, "InputsStable")
            if found[name] is None and inputs and inputs["status"] == "False" and "body_mass_g" in inputs["message"]:
                began = parse_time(monitor["status"]["window"]["from"]).timestamp()
                found[name] = round((began - first) / SECONDS)
        time.sleep(0.5)
    return found


def _monitors(kube: Kube) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in kube.list("modelmonitors")}
