"""The newest accepted version of a Dataset, against the one that was used last."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import parse_time
from modelyard.engine.resource import Object
from modelyard.kinds.pipeline.triggers.look import Look, is_used, seen_until
from modelyard.workload.conclude import Trouble
from modelyard_api.kinds.pipeline import DatasetTrigger, TriggerStatus
from modelyard_api.kinds.pipelinerun import MAX_COVERED, Cause


def look(
    trigger: DatasetTrigger, row: TriggerStatus, dataset: Object | None, versions: Iterable[Object], field: str
) -> Look:
    """Returns the version that no run was started for. ``versions`` are the Dataset's."""
    name = trigger.name
    if dataset is None:
        message = f"{field}.name: there is no Dataset {name!r}; apply it"
        return Look(message, trouble=Trouble("DatasetNotFound", message))
    accepted = {item["metadata"]["name"]: item for item in versions if kstatus.holds(item, "Ready")}
    newest = accepted.get((dataset.get("status") or {}).get("latest"))
    if newest is None:
        return Look(f"Dataset {name} has no accepted version yet")
    meta, rows = newest["metadata"], int(newest["spec"]["rows"])
    if is_used(row, meta["name"], meta["uid"]):
        return Look(f"{meta['name']} is used; it waits for another version")
    more = rows - (row.used_rows or 0)
    if trigger.min_new_rows is not None and more < trigger.min_new_rows:
        message = f"{meta['name']} has {more} rows more than the used one; {field}.minNewRows is {trigger.min_new_rows}"
        return Look(message)
    earlier = _between(row, accepted, newest)
    cause = Cause(
        kind="Dataset",
        name=name,
        uid=meta["uid"],
        value=meta["name"],
        rows=rows,
        came=meta["creationTimestamp"],
        earlier=earlier[:MAX_COVERED],
        earlier_count=len(earlier),
    )
    return Look(f"{meta['name']} is new", cause)


def _between(row: TriggerStatus, accepted: dict[str, Object], newest: Object) -> list[str]:
    """Returns the accepted versions after the one that was used and before the newest, the newest first."""
    start, end = seen_until(row), parse_time(newest["metadata"]["creationTimestamp"])
    others = [item["metadata"] for item in accepted.values() if item is not newest]
    between = [meta for meta in others if start < parse_time(meta["creationTimestamp"]) <= end]
    between = [meta for meta in between if meta["name"] != row.used]
    return [meta["name"] for meta in sorted(between, key=_age, reverse=True)]


def _age(meta: Object) -> tuple[str, str]:
    return meta["creationTimestamp"], meta["name"]
