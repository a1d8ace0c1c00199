"""Builds the ModelVersion of a finished run from its result."""

from __future__ import annotations

from modelyard.engine.resource import MODEL_VERSIONS, Object
from modelyard.kinds.model.observe import View
from modelyard.workload.names import RUN_UID, child_metadata, label, manifest, version_name
from modelyard_api.fields.base import ObjectRef
from modelyard_api.kinds.modelversion import Artifact, Lineage, ModelVersionSpec
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult


def model_version(view: View, run: TrainingRun, number: int, result: TrainResult) -> Object:
    name = view.model.name
    spec = ModelVersionSpec(
        model_ref=ObjectRef(name=name),
        number=number,
        artifact=Artifact(
            uri=result.artifact_uri,
            digest=result.artifact_digest,
            format=result.artifact_format,
            format_reason=result.format_reason,
            bytes=result.artifact_bytes,
        ),
        signature=result.signature,
        lineage=Lineage(
            training_run=run.name,
            dataset_version=result.dataset_version,
            dataset_digest=result.dataset_digest,
            image=result.image,
            source_digest=result.source_digest,
            parameters=result.parameters,
        ),
        metrics=result.metrics,
    )
    labels = {RUN_UID: run.uid, label("TrainingRun"): run.name}
    metadata = child_metadata(view.raw, version_name(name, number), "modelyard-model", labels)
    return manifest(MODEL_VERSIONS, metadata, spec=spec.wire())
