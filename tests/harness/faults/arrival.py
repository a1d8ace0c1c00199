"""The scenarios of a Dataset whose files lie outside of the cluster: they are away, denied, and then more; and of one
that keeps one version beside those that are used."""

from __future__ import annotations

from typing import Any

from tests.harness.faults import objects as o
from tests.harness.faults.resources import Object
from tests.harness.faults.scenario import Scenario
from tests.harness.faults.stage import Stage
from tests.kinds.dataset import AWAY, DENIED


def lake(minutes: int, arrival: str = "Replace", **spec: Any) -> Object:
    """Returns the Dataset; another number of minutes has its files looked at once more."""
    source = {"uri": "s3://lake/in/*.csv", "secretRef": {"name": "lake"}, "arrival": arrival}
    return o.dataset(source=source, checkEvery=f"{minutes}m", **spec)


async def first_files(stage: Stage) -> None:
    stage.player.data = o.FIRST
    await stage.apply(lake(60), o.model())
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))


async def files(stage: Stage) -> None:
    """The server is away, then the keys have changed, then files were added while nobody could look."""
    for minutes, trouble in ((61, AWAY), (62, DENIED)):
        stage.player.data = trouble
        await stage.apply(lake(minutes))
        await stage.reach(f"{trouble} is told", lambda trouble=trouble: reason(stage) == trouble)  # type: ignore[misc]
    before = stage.status("Dataset", o.DATASET)["latest"]
    stage.player.data = o.MORE
    await stage.apply(lake(63, "Append"))
    await stage.reach("a new version", lambda: stage.status("Dataset", o.DATASET).get("latest") not in ("", before))
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))


def reason(stage: Stage) -> str:
    return str((stage.status("Dataset", o.DATASET).get("source") or {}).get("reason"))


async def trained(stage: Stage) -> None:
    await stage.put_data(o.FIRST)
    await stage.apply(keeping(60), o.model(), o.run())
    await stage.reach("a model was trained", lambda: stage.holds("TrainingRun", o.RUN, "Complete"))


async def versions(stage: Stage) -> None:
    """Two more versions come: what a model was trained on stays, the one between goes. Then nothing uses the first."""
    first = stage.status("Dataset", o.DATASET)["latest"]
    between = await another(stage, 61, o.MORE)
    newest = await another(stage, 62, o.MORE + "60,1,no\n")
    await stage.reach("the one between is gone", lambda: stage.get("DatasetVersion", between) is None)
    await stage.reach("two are kept", lambda: kept(stage) == {first, newest} and told(stage, 2))
    await stage.delete("TrainingRun", o.RUN)
    await stage.delete("Model", o.MODEL)
    await stage.reach("one is kept", lambda: kept(stage) == {newest} and told(stage, 1))


async def another(stage: Stage, minutes: int, text: str) -> str:
    before = stage.status("Dataset", o.DATASET)["latest"]
    await stage.put_data(text)
    await stage.apply(keeping(minutes))
    await stage.reach("a new version", lambda: stage.status("Dataset", o.DATASET).get("latest") not in (None, before))
    return str(stage.status("Dataset", o.DATASET)["latest"])


def keeping(minutes: int) -> Object:
    return o.dataset(retention={"keep": 1}, checkEvery=f"{minutes}m")


def kept(stage: Stage) -> set[str]:
    return {item["metadata"]["name"] for item in stage.list("DatasetVersion")}


def told(stage: Stage, versions: int) -> bool:
    """Returns whether the Dataset has so many versions, and nothing is left to delete: their bytes go last."""
    status = stage.status("Dataset", o.DATASET)
    return status.get("versions") == versions and not status.get("expiring")


SCENARIOS = (
    Scenario("arrival", first_files, files, ("Dataset", "DatasetVersion")),
    Scenario("retention", trained, versions, ("Dataset", "DatasetVersion")),
)
