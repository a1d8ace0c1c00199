"""``python -m tests.harness.faults`` checks that no crash, stale read or API fault changes the operator's end state.

Learns each scenario once on a cluster with simulated nodes, then plays it again with one fault per run. Ends with a
table and a line of JSON; the exit code is 0 if all runs converged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.common.say import say
from tests.harness.faults.broken import RULES
from tests.harness.faults.campaign import Campaign, Point
from tests.harness.faults.faults import FAULTS
from tests.harness.faults.place import prepare
from tests.harness.faults.play import open_site
from tests.harness.faults.report import figures, table
from tests.harness.faults.scenarios import SCENARIOS
from tests.localcluster import kind, kwok
from tests.support.tracking import Tracking


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.harness.faults", description=__doc__)
    add = parser.add_argument
    add("--name", default="modelyard-faults", help="the cluster, which is started where it doesn't run [%(default)s]")
    add("--scenario", action="append", choices=SCENARIOS, help="of these only [all]")
    add("--fault", action="append", choices=FAULTS, help="these only [all]")
    add("--at", help="at this point of the scenario only, as a failure names it")
    add("--sample", type=int, default=0, help="that many points for each scenario and fault [all of them]")
    add("--seed", type=int, default=0, help="of the sample [%(default)s]")
    add("--slots", type=int, default=10, help="runs at the same time [%(default)s]")
    add("--broken", choices=RULES, help="break this rule of the engine, to see that it is found")
    add("--minutes", type=float, default=float("inf"), help="begin no point after that time [all of them]")
    add("--keep", action="store_true", help="leave the cluster as it is at the end")
    return parser.parse_args()


async def go(options: argparse.Namespace, tracking: Tracking, folder: Path) -> tuple[Campaign, int]:
    async with open_site(tracking, folder) as site:
        campaign = Campaign(site, options.name, options.slots, options.broken)
        await campaign.learn(options.scenario or list(SCENARIOS))
        faults = options.fault or list(FAULTS)
        points = campaign.points(faults, options.sample, options.seed)
        if options.at:
            points = [Point(scenario, fault, options.at) for scenario in campaign.learnt for fault in faults]
        await campaign.go(points, options.minutes)
        return campaign, len(points)


def main() -> int:
    options = arguments()
    began = time.monotonic()
    kwok.up(options.name)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        prepare(options.name, folder)
        with Tracking(folder / "tracking") as tracking:
            campaign, points = asyncio.run(go(options, tracking, folder))
    finally:
        if not options.keep:
            kind.down(options.name)
    summary = figures(points, campaign.tried, time.monotonic() - began)
    print(table(campaign.tried))
    print(json.dumps(summary), flush=True)
    if summary["failed"]:
        say(f"logs of the runs that did not converge: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


sys.exit(main())
