"""Collects what a ModelVersion's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DATASET_VERSIONS, JOBS, MODEL_DEPLOYMENTS, MODELS, Object
from modelyard.engine.store import Store
from modelyard_api.installation import Installation
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True)
class View:
    raw: Object
    version: ModelVersion
    installation: Installation
    model: ModelKind | None
    job: Object | None
    data: Object | None
    """The DatasetVersion on which an imported model is scored."""
    deployments: tuple[ModelDeployment, ...] = ()
    """The ModelDeployments of its Model, whose pods notice when its bytes are damaged."""


def observe(store: Store, raw: Object, installation: Installation) -> View:
    version = ModelVersion.model_validate(raw)
    model = store.get(MODELS, version.namespace, version.spec.model_ref.name)
    jobs = store.owned(JOBS, version.uid)
    deployments = store.find(MODEL_DEPLOYMENTS, "Model", f"{version.namespace}/{version.spec.model_ref.name}")
    data = version.spec.lineage.dataset_version
    return View(
        raw=raw,
        version=version,
        installation=installation,
        model=ModelKind.model_validate(model) if model and not _is_being_deleted(model) else None,
        job=jobs[0] if jobs else None,
        data=store.get(DATASET_VERSIONS, version.namespace, data) if data else None,
        deployments=tuple(ModelDeployment.model_validate(obj) for obj in deployments),
    )


def _is_being_deleted(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))
