"""Finds the newest accepted version of a Dataset whose latest one was deleted, or forgotten with a lost status."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.kinds.dataset.age import by_age
from modelyard.kinds.dataset.observe import View


def newest(view: View) -> str | None:
    """Returns the newest accepted version."""
    accepted = [version for version in by_age(view.versions) if kstatus.holds(version, "Ready")]
    return accepted[-1]["metadata"]["name"] if accepted else None
