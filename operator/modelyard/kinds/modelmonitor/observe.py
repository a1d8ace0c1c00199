"""Collects what a ModelMonitor's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DATASET_VERSIONS, MODEL_DEPLOYMENTS, MODEL_VERSIONS, Object
from modelyard.engine.store import Store
from modelyard.workload.names import version_name
from modelyard_api.installation import Installation
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelmonitor import ModelMonitor
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True)
class View:
    """``version`` is the stable version of ``deployment``, and ``reference`` the DatasetVersion that its inputs are
    compared with; None if they don't exist."""

    raw: Object
    monitor: ModelMonitor
    deployment: ModelDeployment | None = None
    version: ModelVersion | None = None
    reference: DatasetVersion | None = None

    @property
    def reference_name(self) -> str | None:
        """Returns the name of the DatasetVersion, None if the model was trained on none."""
        pinned = self.monitor.spec.reference.dataset_version
        return pinned or (self.version.spec.lineage.dataset_version if self.version else None)


def observe(store: Store, raw: Object, _: Installation) -> View:
    monitor = ModelMonitor.model_validate(raw)
    place = monitor.namespace
    deployment = store.get(MODEL_DEPLOYMENTS, place, monitor.spec.deployment_ref.name)
    view = View(raw, monitor, ModelDeployment.model_validate(deployment) if deployment else None)
    if view.deployment is None or view.deployment.status.stable is None:
        return view
    name = version_name(view.deployment.spec.model_ref.name, view.deployment.status.stable)
    version = store.get(MODEL_VERSIONS, place, name)
    view = View(raw, monitor, view.deployment, ModelVersion.model_validate(version) if version else None)
    reference = store.get(DATASET_VERSIONS, place, view.reference_name) if view.reference_name else None
    known = DatasetVersion.model_validate(reference) if reference else None
    return View(raw, monitor, view.deployment, view.version, known)
