"""N training runs applied at once: Jobs per second, the operator's cost at work, and its cost when all is done.

Starts a cluster of its own with a real API server, etcd and controllers; KWOK simulates the nodes. While the operator
creates Jobs, Kubernetes' own controllers are paused, so that only our load is measured; with ``--pods`` they create
pods meanwhile. The same run measures a baseline: a loop that only creates the same Jobs with the same client.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.common.say import say
from tests.harness.bench.controllers import bare, finish, phases, place
from tests.localcluster import access, kind
from tests.support import played
from tests.support.cpu import Costs
from tests.support.operator import Operator
from tests.support.report import show
from tests.support.tracking import Tracking

LOG = Path(tempfile.gettempdir()) / "modelyard-bench-operator.log"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="modelyard-bench", help="the cluster that it starts and removes [%(default)s]"
    )
    parser.add_argument("--count", type=int, default=1000, help="training runs [%(default)s]")
    parser.add_argument(
        "--kwok", action="store_true", help="let the pods run and succeed, then measure rest and restart"
    )
    parser.add_argument(
        "--played",
        action="store_true",
        help="let the benchmark write what Kubernetes' Job controller says of finished Jobs, then measure rest and "
        "restart: for counts at which that controller and its pods take a quarter of an hour",
    )
    parser.add_argument("--pods", action="store_true", help="let Kubernetes make the pods while the Jobs are made")
    parser.add_argument("--rest", type=int, default=60, help="seconds that rest is measured for [%(default)s]")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end")
    parser.add_argument("--profile", metavar="FILE", help="where py-spy writes a flame graph of the making of the Jobs")


def run(options: argparse.Namespace) -> dict[str, Any]:
    played.up(options.name)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, Tracking(Path(folder) / "tracking") as tracking:
            kubeconfig = place.prepare(options.name, tracking.url, Path(folder))
            return asyncio.run(_measure(options, tracking, kubeconfig))
    finally:
        if not options.keep:
            played.down(options.name)


def _signal(name: str, number: signal.Signals) -> None:
    """Pauses the controller-manager, or lets it go on."""
    os.kill(kind.process(name, kind.CONTROL_PLANE, "kube-controller-manager"), number)


async def _measure(options: argparse.Namespace, tracking: Tracking, kubeconfig: Path) -> dict[str, Any]:
    operator = Operator(kubeconfig, played.SYSTEM, LOG)
    client = await place.api_client(access.kubeconfig(options.name))
    try:
        place.cordon(options.name, True)
        await phases.put_data(tracking)
        operator.start()
        operator.until("the operator leads", operator.idle)
        run, job = await bare.one_run(client)
        operator.stop()
        figures: dict[str, Any] = {"benchmark": "controllers", "count": options.count}
        if not options.pods:
            _signal(options.name, signal.SIGSTOP)
        servers = {name: kind.process(options.name, kind.CONTROL_PLANE, name) for name in ("kube-apiserver", "etcd")}
        figures |= await bare.ceiling(client, Costs(servers), job, options.count)
        figures |= await bare.same_writes(client, Costs(servers), run, job, options.count)
        operator.start()
        operator.until("the operator leads", operator.idle)
        costs = Costs({**servers, "operator": operator.process.pid})
        figures |= await phases.make_jobs(client, operator, costs, tracking, options.count, options.profile)
        figures["ceiling_percent"] = round(100 * figures["jobs_per_second"] / figures["bare_jobs_per_second"])
        if options.played:
            figures |= await finish.finish(client, operator, options.count, partial(finish.end_jobs, client))
        else:
            _signal(options.name, signal.SIGCONT)
        if options.kwok:
            place.cordon(options.name, False)
            figures |= await finish.finish(client, operator, options.count, partial(finish.end_pods, client))
        figures["rest"] = await phases.rest(operator, options.rest)
        figures |= await phases.restart(operator)
        show(figures)
        return figures
    finally:
        await client.close()
        _signal(options.name, signal.SIGCONT)
        if operator.process.poll() is None:
            operator.stop()
        say(f"the operator's log: {LOG}")
