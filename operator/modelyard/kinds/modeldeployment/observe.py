"""What a ModelDeployment's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DEPLOYMENTS, MODEL_DEPLOYMENTS, MODEL_VERSIONS, MODELS, Key, Object
from modelyard.engine.store import Store
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.model import ModelKind
from modelyard_api.modeldeployment import ModelDeployment
from modelyard_api.modelversion import ModelVersion


@dataclass(frozen=True)
class View:
    raw: Object
    deployment: ModelDeployment
    installation: Installation
    model: ModelKind | None
    versions: dict[int, ModelVersion]
    child: Object | None
    """The Deployment of the serving pods."""


def observe(store: Store, key: Key, installation: Installation) -> View | None:
    raw = store.get(MODEL_DEPLOYMENTS, key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    deployment = ModelDeployment.model_validate(raw)
    name = deployment.spec.model_ref.name
    model = store.get(MODELS, key.namespace, name)
    found = store.find(MODEL_VERSIONS, "model", f"{key.namespace}/{name}")
    versions = [ModelVersion.model_validate(obj) for obj in found]
    child = store.get(DEPLOYMENTS, key.namespace, key.name)
    return View(
        raw=raw,
        deployment=deployment,
        installation=installation,
        model=ModelKind.model_validate(model) if model else None,
        versions={version.spec.number: version for version in versions},
        child=child if owned_by(child, raw) else None,
    )
