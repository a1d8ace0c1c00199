"""The story of a Dataset whose source is ``pushed``: nothing is read, and runs bring its tables."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.resource import Object
from modelyard.kinds.dataset.conditions import has_version, standing
from modelyard.kinds.dataset.observe import View
from modelyard.workload.conclude import Step
from modelyard_api.kinds.dataset import DatasetStatus


def step(view: View, status: DatasetStatus) -> Step:
    """Returns the Step between two pushes."""
    status.job, status.attempts = None, 0
    _keep_latest(view, status)
    return Step(status, _conditions(view, status))


def _keep_latest(view: View, status: DatasetStatus) -> None:
    """Chooses the newest accepted version if the latest was deleted, or forgotten with a lost status.

    No edit of the spec has a table read again, so a version holds under every later generation.
    """
    if view.version(status.latest) is None:
        status.latest = _newest(view)
    status.accepted_generation = view.dataset.generation if status.latest else None


def _newest(view: View) -> str | None:
    """Returns the newest accepted version. All that came from a backup are equally old: then their parents tell."""
    parents = {version["spec"].get("parent") for version in view.versions}

    def age(version: Object) -> tuple[bool, str, str]:
        meta = version["metadata"]
        return meta["name"] not in parents, str(meta.get("creationTimestamp")), meta["name"]

    accepted = [version for version in view.versions if kstatus.holds(version, "Ready")]
    return max(accepted, key=age)["metadata"]["name"] if accepted else None


def _conditions(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    if has_version(view, status) or (status.source and not status.source.readable):
        return standing(view, status)
    name = view.dataset.name
    message = f"no table was pushed yet; apply a BatchPrediction whose spec.output.datasetRef.name is {name!r}"
    return kstatus.reconciling("NothingPushed", message)
