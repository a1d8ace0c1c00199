"""The scenario of a ModelPool with simulated servers: versions change, and models join, leave and return."""

from __future__ import annotations

from tests.harness.faults import objects as o
from tests.harness.faults.scenario import Scenario
from tests.harness.faults.stage import Stage

OTHER = "other"


async def a_pool(stage: Stage) -> None:
    """Sets up a pool that serves version 1, which the Model pins; version 2 exists too."""
    await stage.put_data(o.FIRST)
    await stage.apply(o.dataset(), o.model(pin={"version": 1}), o.pool())
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))
    data = stage.status("Dataset", o.DATASET)["latest"]
    await stage.apply(o.deployment(pool=o.POOL), *(o.imported(number, data) for number in (1, 2)))
    await stage.reach("version 1 is served", lambda: stage.serves(1) and _packed(stage))


async def packing(stage: Stage) -> None:
    await stage.edit("Model", o.MODEL, {"spec": {"pin": {"version": 2}}})
    await stage.reach("version 2 is served", lambda: stage.serves(2))
    await stage.apply(o.deployment(OTHER, modelRef={"name": o.MODEL, "version": 1}, pool=o.POOL))
    await stage.reach("another one is served", lambda: stage.holds("ModelDeployment", OTHER) and _packed(stage, OTHER))
    await stage.edit("ModelDeployment", o.DEPLOYMENT, {"spec": {"pool": None}})
    await stage.reach("it has pods of its own", lambda: stage.serves(2) and not _packed(stage))
    await stage.edit("ModelDeployment", o.DEPLOYMENT, {"spec": {"pool": o.POOL}})
    await stage.reach("it is back", lambda: stage.serves(2) and _packed(stage))
    await stage.delete("ModelDeployment", OTHER)
    await stage.reach("one is left", lambda: stage.status("ModelPool", o.POOL).get("models") == 1)


def _packed(stage: Stage, name: str = o.DEPLOYMENT) -> bool:
    return stage.status("ModelDeployment", name).get("pool") == o.POOL


SCENARIO = Scenario("packing", a_pool, packing, ("ModelPool", "ModelDeployment"))
