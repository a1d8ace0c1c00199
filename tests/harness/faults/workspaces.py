"""The scenario of a Workspace: people and data change, it is suspended and resumed, loses a child, and is deleted."""

from __future__ import annotations

from tests.harness.faults import objects as o
from tests.harness.faults.scenario import Scenario
from tests.harness.faults.stage import Stage

CHILD = f"{o.LAB}-workspace"


async def a_workspace(stage: Stage) -> None:
    await stage.put_data(o.FIRST)
    await stage.apply(o.dataset())
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))
    await stage.apply(o.workspace("kim"))
    await stage.reach("kim works", lambda: works(stage, "kim"))


async def work(stage: Stage) -> None:
    old = stage.status("Dataset", o.DATASET)["latest"]
    await stage.put_data(o.MORE)
    await stage.apply(o.dataset(validation={"minRows": 10}))
    await stage.reach("there is new data", lambda: stage.status("Dataset", o.DATASET).get("latest") not in (None, old))
    stage.serving.absent.add("lee")
    await stage.apply(o.workspace("kim", "lee"))
    await stage.reach("lee has no token", lambda: stage.holds("Workspace", o.LAB, value="False") and lacks(stage))
    stage.serving.absent.clear()
    await stage.reach("both work, on the old data", lambda: works(stage, "kim", "lee") and data(stage) == old)
    uid = stage.uid("Deployment", CHILD)
    await stage.delete("Deployment", CHILD)
    await stage.reach("its pod is back", lambda: stage.is_back("Deployment", CHILD, uid) and works(stage, "kim", "lee"))
    home = stage.uid("PersistentVolumeClaim", CHILD)
    await stage.edit("Workspace", o.LAB, {"spec": {"suspend": True}})
    await stage.reach("it is suspended", lambda: stage.holds("Workspace", o.LAB, "Suspended"))
    await stage.edit("Workspace", o.LAB, {"spec": {"suspend": False}})
    await stage.reach("it has the new data", lambda: works(stage, "kim", "lee") and data(stage) not in (None, old))
    assert stage.uid("PersistentVolumeClaim", CHILD) == home
    await stage.edit("Workspace", o.LAB, {"spec": {"storage": {"size": "6Gi"}}})
    await stage.reach("the volume can't grow", lambda: reason(stage) == "ChildForbidden")
    latest = stage.status("Dataset", o.DATASET)["latest"]
    await stage.delete("Workspace", o.LAB)
    await stage.reach("its volume is gone", lambda: stage.gone("PersistentVolumeClaim"))
    await stage.reach("nothing uses the data", lambda: stage.free("DatasetVersion", latest))


def works(stage: Stage, *people: str) -> bool:
    return stage.holds("Workspace", o.LAB) and stage.status("Workspace", o.LAB).get("people") == [*people]


def data(stage: Stage) -> str | None:
    mounted = stage.status("Workspace", o.LAB).get("datasets") or [{}]
    return mounted[0].get("version")


def lacks(stage: Stage) -> bool:
    return reason(stage) == "TokenMissing"


def reason(stage: Stage) -> str | None:
    items = stage.status("Workspace", o.LAB).get("conditions") or ()
    return next((item["reason"] for item in items if item["type"] == "Ready"), None)


SCENARIO = Scenario("workspace", a_workspace, work, ("Workspace",))
