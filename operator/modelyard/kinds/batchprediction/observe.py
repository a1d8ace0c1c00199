"""Collects what a BatchPrediction's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import JOBS, MODEL_VERSIONS, MODELS, Object
from modelyard.engine.store import Store
from modelyard.workload import data
from modelyard.workload.names import child_name, owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.trainingrun import DatasetRef


@dataclass(frozen=True)
class View:
    raw: Object
    run: BatchPrediction
    installation: Installation
    job: Object | None
    model: ModelKind | None
    versions: dict[int, ModelVersion]
    """The versions of the Model by number."""
    dataset: Object | None
    data: Object | None
    """The DatasetVersion that was resolved at the start, or else the one that would be resolved now."""
    output: Object | None
    """The Dataset that the answers are pushed to."""
    latest: Object | None = None
    """That Dataset's latest version."""

    @property
    def model_version(self) -> ModelVersion | None:
        """The ModelVersion that was resolved at the start, or None before that, or if it is gone."""
        inputs = self.run.status.inputs
        name = inputs.model_version if inputs else None
        return next((version for version in self.versions.values() if version.name == name), None)


def job_name(run: BatchPrediction) -> str:
    return child_name(run.name, "predict", run.uid)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    run = BatchPrediction.model_validate(raw)
    spec, inputs = run.spec, run.status.inputs
    dataset, version = data.observed(store, run.namespace, spec.dataset_ref, inputs.dataset_version if inputs else None)
    model = store.get(MODELS, run.namespace, spec.model_ref.name)
    raw_versions = store.find(MODEL_VERSIONS, "Model", f"{run.namespace}/{spec.model_ref.name}")
    versions = [ModelVersion.model_validate(obj) for obj in raw_versions]
    jobs = [job for job in store.owned(JOBS, raw) if owned_by(job, raw)]
    output, latest = data.observed(store, run.namespace, DatasetRef(name=spec.output.dataset_ref.name), None)
    return View(
        raw=raw,
        run=run,
        installation=installation,
        job=jobs[0] if jobs else None,
        model=ModelKind.model_validate(model) if model else None,
        versions={version.spec.number: version for version in versions},
        dataset=dataset,
        data=version,
        output=output,
        latest=latest,
    )
