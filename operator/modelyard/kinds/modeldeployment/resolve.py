"""Which version is wanted."""

from __future__ import annotations

from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.failures import Trouble
from modelyard_api.modelversion import ModelVersion


def resolve(view: View) -> ModelVersion | Trouble:
    """The wanted version, or why there is none that can be served."""
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
    if not any(item.type == "Ready" and item.status == "True" for item in version.status.conditions):
        return Trouble("VersionNotReady", f"ModelVersion {version.name} is not Ready; see its conditions")
    return version
