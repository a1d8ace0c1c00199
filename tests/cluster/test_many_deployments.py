"""Checks that 200 ModelDeployments of one model all serve, that their status is current and the operator at rest."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.harness.faults import objects as o
from tests.harness.faults.play import Play, open_site
from tests.harness.faults.scenario import Scenario, main_job
from tests.harness.faults.stage import Stage
from tests.support.tracking import Tracking

pytestmark = pytest.mark.kwok
COUNT, REST_SECONDS = 200, 12


async def test_two_hundred_are_served_and_then_at_rest(tracking: Tracking, tmp_path: Path) -> None:
    names = [f"{o.DEPLOYMENT}-{number}" for number in range(COUNT)]
    calls, megabytes = 0, 0.0

    async def many(stage: Stage) -> None:
        nonlocal calls, megabytes
        for name in names:
            await stage.apply(o.deployment() | {"metadata": {"name": name}})
        await stage.reach("all are served", lambda: all(_serves(stage, name, 1) for name in names))
        await stage.edit("ModelDeployment", names[0], {"spec": {"replicas": 2}})
        await stage.reach("one has two pods", lambda: _serves(stage, names[0], 2))
        await stage.calm(3)
        before = len(play.proxy.calls)
        await asyncio.sleep(REST_SECONDS)
        calls = len(play.proxy.calls) - before
        megabytes = _resident(play.operator._fd)

    async with open_site(tracking, tmp_path, patience=240) as site:
        play = Play(site, Scenario("many", main_job, many))
        ended = await play.run()
    assert ended.wrong == []
    print(f"{calls} requests in {REST_SECONDS} s of rest, {megabytes:.0f} MB")
    # Only lease renewals and periodic re-lists remain: no requests that grow with the number of deployments.
    assert calls < REST_SECONDS
    assert 30 < megabytes < 200


def _resident(pidfd: int) -> float:
    """Returns the resident memory of a process, in 10^6 bytes."""
    pid = Path(f"/proc/self/fdinfo/{pidfd}").read_text().split("Pid:")[1].split()[0]
    resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert resident
    return int(resident[1]) * 1024 / 1e6


def _serves(stage: Stage, name: str, pods: int) -> bool:
    status = stage.status("ModelDeployment", name)
    return status.get("readyReplicas") == pods and stage.holds("ModelDeployment", name)
