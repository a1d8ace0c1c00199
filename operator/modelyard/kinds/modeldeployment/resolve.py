"""Resolves which version a ModelDeployment should serve."""

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
    """Why no version can be served. ``final`` says that this stays so until somebody changes what was written,
    ``warning`` that a person has to act."""

    reason: str
    message: str
    final: bool = False
    warning: bool = False


Goal = ModelVersion | Unresolved


def resolve(view: View, status: ModelDeploymentStatus) -> Goal:
    """Returns the version that should serve; ``status`` says which one does now.

    A pinned version must pass the Model's gates before its rollout begins. A version that already serves, or is being
    rolled out, is not checked again, just as changed gates don't remove a champion.
    """
    ref = view.deployment.spec.model_ref
    try:
        version = references.model_version(ref, view.model, {**view.versions, **view.foreign})
        if ref.version is not None and view.model is not None and not _has_begun(version, view, status):
            references.check_gates(version, view.model)
    except Waits as waits:
        return Unresolved(waits.reason, waits.message, warning=waits.warning)
    except Fails as fails:
        return Unresolved(fails.trouble.reason, fails.trouble.message, final=True)
    return version


def _has_begun(version: ModelVersion, view: View, status: ModelDeploymentStatus) -> bool:
    """Whether the version is the stable one or the candidate of this ModelDeployment."""
    child = children.child_of(view, version.spec.number)
    rolled_out = version.spec.number in (status.stable, status.candidate)
    return rolled_out and (child is None or children.serves(child, version))
