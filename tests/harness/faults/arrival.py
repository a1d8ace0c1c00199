"""The scenarios of a Dataset whose files lie outside of the cluster: they are away, denied, and then more; of one to
which files are appended while it is looked at; and of one that keeps one version beside those that are used."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from modelyard_api.fields.artifact import sha256
from tests.harness.faults import files as played
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


ROWS = {name: "".join(f"{i},{n},yes\n" for i in range(20)) for n, name in enumerate("dcba")}
"""The files in the order in which they come, which is not that of their names: read at once, they are other rows."""


def there(count: int) -> str:
    return played.text_of(dict(list(ROWS.items())[:count]))


def digests(count: int) -> list[str]:
    """Returns the digests of the versions to which so many files have led, each of which has one more."""
    tables = list(accumulate(list(ROWS.values())[:count], initial=played.HEADER))[1:]
    return sorted(sha256(table.encode()) for table in tables)


async def first_file(stage: Stage) -> None:
    stage.player.data = there(1)
    await stage.apply(lake(60, "Append"))
    await stage.reach("the Dataset is Ready", lambda: stage.holds("Dataset", o.DATASET))


async def appended(stage: Stage) -> None:
    """A file comes, and another one while a look takes the first; a third one comes while a look is given up for
    another spec. Then nothing more comes, and each row is in one version."""
    stage.player.data = there(2)
    stage.player.stopped = True
    await stage.wait_for_look(o.DATASET)
    await stage.reach("a look is under way", lambda: under_way(stage))
    stage.player.data = there(3)  # which that look does not see
    stage.player.stopped = False
    await stage.reach("the first file was taken", lambda: taken(stage, 2))
    await stage.wait_for_look(o.DATASET)
    await stage.reach("the other file was taken", lambda: taken(stage, 3))
    stage.player.stopped = True
    await stage.wait_for_look(o.DATASET)
    await stage.reach("a look is under way", lambda: under_way(stage))
    given_up = stage.status("Dataset", o.DATASET)["job"]
    stage.player.data = there(4)
    await stage.apply(lake(61, "Append"))
    await stage.reach("another look is under way", lambda: under_way(stage, given_up))
    stage.player.stopped = False
    await stage.reach("the third file was taken", lambda: taken(stage, 4))
    await stage.wait_for_look(o.DATASET)
    await stage.reach("nothing more was found", lambda: taken(stage, 4))


def under_way(stage: Stage, given_up: str = "") -> bool:
    """Returns whether the pod of a look has listed the files, and no pod of the Job that was ``given_up`` is left."""
    job = stage.status("Dataset", o.DATASET).get("job")
    running = [pod for pod in stage.list("Pod") if (pod.get("status") or {}).get("phase") == "Running"]
    return job != given_up and [pod["metadata"]["labels"]["job-name"] for pod in running] == [job]


def taken(stage: Stage, count: int) -> bool:
    """Returns whether there are the versions of so many files and no other, and the Dataset says so to the end."""
    versions = stage.list("DatasetVersion")
    status = stage.status("Dataset", o.DATASET)
    latest = stage.get("DatasetVersion", str(status.get("latest")))
    found = (latest or {"spec": {}})["spec"].get("madeOf") or {}
    is_final = not status.get("job") and not str(status.get("lastCheckTime")).startswith("2026-01-01")
    return (
        sorted(item["spec"]["digest"] for item in versions) == digests(count)
        and (found.get("files"), status.get("versions")) == (count, count)
        and is_final
        and stage.holds("Dataset", o.DATASET)
        and all(stage.holds("DatasetVersion", item["metadata"]["name"]) for item in versions)
    )


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
    Scenario("append", first_file, appended, ("Dataset", "DatasetVersion")),
    Scenario("retention", trained, versions, ("Dataset", "DatasetVersion")),
)
