"""Which version is wanted."""

from __future__ import annotations

from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.failures import Trouble
from modelyard.workload.versions import broken, judged, usable
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion

NOT_APPROVED = "VersionNotApproved"
"""The one trouble that does not end by itself."""


def resolve(view: View, status: ModelDeploymentStatus) -> ModelVersion | Trouble:
    """The wanted version, or why there is none that can be served. ``status`` says what serves."""
    ref = view.deployment.spec.model_ref
    if view.model is None:
        return Trouble("ModelNotFound", f"spec.modelRef.name: there is no Model {ref.name!r}; apply it")
    number = ref.version
    if number is None:
        aliases = {alias.name: alias.version for alias in view.model.status.aliases}
        if ref.alias not in aliases:
            message = (
                f"spec.modelRef.alias: Model {ref.name!r} has no {ref.alias} yet; "
                f"see kubectl get model {ref.name}, condition ChampionAvailable"
            )
            return Trouble("AliasNotSet", message)
        number = aliases[str(ref.alias)]
    version = view.versions.get(number)
    if version is None:
        there = ", ".join(map(str, sorted(view.versions)[-20:])) or "none"
        return Trouble("VersionNotFound", f"spec.modelRef: Model {ref.name!r} has no version {number}; it has {there}")
    if not usable(version):
        return Trouble("VersionNotReady", f"ModelVersion {version.name} is not Ready; see its conditions")
    if ref.version is None or _has_begun(version, view, status):
        return version
    return _refused(version, view.model) or version


def _has_begun(version: ModelVersion, view: View, status: ModelDeploymentStatus) -> bool:
    """Whether it serves here or is the candidate."""
    child = children.child_of(view, version.spec.number)
    begun = version.spec.number in (status.stable, status.candidate)
    return begun and (child is None or children.serves(child, version))


def _refused(version: ModelVersion, model: ModelKind) -> Trouble | None:
    """A version that is pinned here must pass the gates when it is first asked for, or be its Model's: by what the
    gates said once, or by the Model's pin, which goes before them. What serves, or has begun to, is not asked again, as
    changed gates unseat no champion; and an alias is the Model's own word (challenger: whatever is newest)."""
    number, name, pin = version.spec.number, model.name, model.spec.pin
    if number == model.status.champion or (pin is not None and pin.version == number):
        return None
    if not judged(version, model):
        message = f"spec.modelRef.version: version {number} is being judged by the gates of Model {name!r}"
        return Trouble("VersionNotJudged", message)
    if version.status.approved:
        return None
    message = (
        f"spec.modelRef.version: version {number} does not pass the gates of Model {name!r}: {broken(version)}; "
        f"pin another version, change the Model's spec.gates, or make it champion whatever they say by the Model's "
        f"spec.pin.version: {number}"
    )
    return Trouble(NOT_APPROVED, message)
