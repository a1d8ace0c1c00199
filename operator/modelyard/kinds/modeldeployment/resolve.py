"""Which version a ModelDeployment is to serve."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import references
from modelyard.workload.conclude import Fails, Waits
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no version that can be served. ``final``: none comes without a change by a person."""

    reason: str
    message: str
    final: bool = False


Goal = ModelVersion | Unresolved


def resolve(view: View, status: ModelDeploymentStatus) -> Goal:
    """The version that should serve. ``status`` says which one does.

    A pinned version is asked for its gates when it is first asked for. What serves here, or has begun to, is not asked
    again, as changed gates unseat no champion.
    """
    ref = view.deployment.spec.model_ref
    try:
        version = references.model_version(ref, view.model, view.versions)
        if ref.version is not None and view.model is not None and not _has_begun(version, view, status):
            references.check_gates(version, view.model)
    except Waits as waits:
        return Unresolved(waits.reason, waits.message)
    except Fails as fails:
        return Unresolved(fails.trouble.reason, fails.trouble.message, final=True)
    return version


def _has_begun(version: ModelVersion, view: View, status: ModelDeploymentStatus) -> bool:
    """Whether it serves here or is the candidate."""
    child = children.child_of(view, version.spec.number)
    begun = version.spec.number in (status.stable, status.candidate)
    return begun and (child is None or children.serves(child, version))
