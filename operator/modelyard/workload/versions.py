"""What several kinds ask of a ModelVersion: whether it can be used at all, and what its Model's gates say of it."""

from __future__ import annotations

from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion

TOLD_GATES = 3


def usable(version: ModelVersion) -> bool:
    return any(item.type == "Ready" and item.status == "True" for item in version.status.conditions)


def judged(version: ModelVersion, model: ModelKind) -> bool:
    """Whether the gates as they are now have been asked."""
    return version.status.approved is not None and version.status.judged_generation == model.generation


def approved(version: ModelVersion, model: ModelKind) -> bool:
    """Whether all gates, as they are now, hold."""
    return usable(version) and judged(version, model) and bool(version.status.approved)


def broken(version: ModelVersion) -> str:
    """The gates that did not hold when they were asked last, the first few by name and with what was found."""
    found = [f"{gate.name}: {gate.message}" for gate in version.status.gates if not gate.passed]
    more = [f"and {len(found) - TOLD_GATES} gates more"] if len(found) > TOLD_GATES else []
    return "; ".join([*found[:TOLD_GATES], *more])
