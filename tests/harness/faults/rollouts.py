"""The scenarios of rollouts and rollbacks, without a Gateway and behind one."""

from __future__ import annotations

from typing import Any

from tests.harness.faults import gateways
from tests.harness.faults import objects as o
from tests.harness.faults.scenario import Scenario, two_versions
from tests.harness.faults.stage import Stage

ABOUT = ("ModelDeployment",)
WAITS = {"weight": 10, "untilPromoted": True}
JUDGED = {
    "every": "1s",
    "failureLimit": 1,
    "metrics": [{"name": "errors", "metric": "ErrorRate", "max": 0.05}],
}


async def rollout(stage: Stage) -> None:
    """Blue-green without a Gateway: one preview waits until it is promoted, the next one is aborted."""
    steps = [{"weight": 0, "untilPromoted": True}, {"weight": 100, "pause": "2s"}]
    await _change_rollout(stage, strategy="BlueGreen", steps=steps)
    await stage.edit("Model", o.MODEL, {"spec": {"pin": {"version": 1}}})
    await stage.reach("version 1 waits", lambda: stage.waits(1))
    await _change_rollout(stage, promote=1)
    await stage.reach("version 1 is served", lambda: stage.serves(1))
    await stage.edit("Model", o.MODEL, {"spec": {"pin": None}})
    await stage.reach("version 2 waits", lambda: stage.waits(2))
    await _change_rollout(stage, abort=2)
    await stage.reach("version 2 is rejected", lambda: stage.holds("ModelDeployment", o.DEPLOYMENT, "Stalled"))


async def behind_a_gateway(stage: Stage) -> None:
    """Version 1 is pinned and serves; versions 2 and 3 exist. All are imported, twice as fast as training them."""
    await stage.put_data(o.FIRST)
    await stage.apply(gateways.gateway(), o.dataset(), o.model(pin={"version": 1}))
    await stage.reach("the Gateway is programmed", lambda: stage.holds("Gateway", gateways.NAME, "Programmed"))
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))
    gateway = {"name": gateways.NAME, "namespace": stage.namespace, "hostname": gateways.HOSTNAME}
    data, versions = stage.status("Dataset", o.DATASET)["latest"], (1, 2, 3)
    await stage.apply(o.deployment(gateway=gateway), *(o.imported(number, data) for number in versions))
    names = [f"{o.MODEL}-v{number}" for number in versions]
    await stage.reach("all are there", lambda: all(stage.holds("ModelVersion", name) for name in names))
    await stage.reach("version 1 is served", lambda: stage.serves(1))


async def canary(stage: Stage) -> None:
    """A candidate goes through all steps, judged by its error rate."""
    steps = [{"weight": 10, "pause": "2s"}, {"weight": 50, "pause": "2s"}, {"weight": 100, "pause": "1s"}]
    await _change_rollout(stage, strategy="Canary", steps=steps, analysis=JUDGED)
    await _pin(stage, 2)
    await stage.reach("version 2 is served", lambda: stage.serves(2))


async def abort(stage: Stage) -> None:
    """One candidate is aborted in the middle; the next one fails its analysis."""
    await _change_rollout(stage, strategy="Canary", steps=[WAITS])
    await _pin(stage, 2)
    await stage.reach("version 2 waits", lambda: stage.waits(2))
    await _change_rollout(stage, abort=2)
    await stage.reach("version 2 is rejected", lambda: stage.rejected(2, "Aborted"))
    stage.serving.failing.add(3)
    await _change_rollout(stage, analysis=JUDGED)
    await _pin(stage, 3)
    await stage.reach("version 3 is rejected", lambda: stage.rejected(3, "AnalysisFailed"))


async def replaced(stage: Stage) -> None:
    """A newer candidate replaces one that is in the middle of its steps, and is promoted."""
    await _change_rollout(stage, strategy="Canary", steps=[WAITS, {"weight": 100, "pause": "1s"}])
    await _pin(stage, 2)
    await stage.reach("version 2 waits", lambda: stage.waits(2))
    await _pin(stage, 3)
    await stage.reach("version 3 waits", lambda: stage.waits(3))
    await _change_rollout(stage, promote=3)
    await stage.reach("version 3 is served", lambda: stage.serves(3))


async def shadow(stage: Stage) -> None:
    """A candidate gets copies of requests, and then all of the traffic."""
    steps = [{"weight": 50, "pause": "2s"}]
    await _change_rollout(stage, strategy="Shadow", steps=steps, analysis=JUDGED)
    await _pin(stage, 2)
    await stage.reach("version 2 is served", lambda: stage.serves(2))


async def bluegreen(stage: Stage) -> None:
    """A candidate is a preview, and then gets all of the traffic; at last the Gateway is removed from the spec."""
    steps = [{"weight": 0, "pause": "1s"}, {"weight": 100, "pause": "1s"}]
    await _change_rollout(stage, strategy="BlueGreen", steps=steps)
    await _pin(stage, 2)
    await stage.reach("version 2 is served", lambda: stage.serves(2))
    await stage.edit("ModelDeployment", o.DEPLOYMENT, {"spec": {"gateway": None}})
    await stage.reach("the route is gone", lambda: stage.gone("HTTPRoute"))


async def _pin(stage: Stage, number: int) -> None:
    await stage.edit("Model", o.MODEL, {"spec": {"pin": {"version": number}}})


async def _change_rollout(stage: Stage, **change: Any) -> None:
    await stage.edit("ModelDeployment", o.DEPLOYMENT, {"spec": {"rollout": change}})


SCENARIOS = (
    Scenario("rollout", two_versions, rollout, ABOUT),
    Scenario("canary", behind_a_gateway, canary, ABOUT),
    Scenario("abort", behind_a_gateway, abort, ABOUT),
    Scenario("replaced", behind_a_gateway, replaced, ABOUT),
    Scenario("shadow", behind_a_gateway, shadow, ABOUT),
    Scenario("bluegreen", behind_a_gateway, bluegreen, ABOUT),
)
