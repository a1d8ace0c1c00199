"""Finds the newest accepted version of a Dataset whose latest one was deleted, or forgotten with a lost status."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import Object
from modelyard.kinds.dataset.observe import View


def newest(view: View) -> str | None:
    """Returns the newest accepted version. All that came from a backup are equally old: then their parents tell."""
    parents = {version["spec"].get("parent") for version in view.versions}

    def age(version: Object) -> tuple[bool, str, str]:
        meta = version["metadata"]
        return meta["name"] not in parents, str(meta.get("creationTimestamp")), meta["name"]

    accepted = [version for version in view.versions if kstatus.holds(version, "Ready")]
    return max(accepted, key=age)["metadata"]["name"] if accepted else None
