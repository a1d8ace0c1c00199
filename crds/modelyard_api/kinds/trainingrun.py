"""TrainingRun: train one model once, on one dataset version."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from modelyard_api.fields.artifact import Format
from modelyard_api.fields.base import NAME_RULE, Kind, Model, ObjectName, ObjectRef, StatusName, StatusURL, rule, rules
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.metrics import Metric
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate, RunPolicy
from modelyard_api.fields.status import Outputs, RunStatus
from modelyard_api.fields.trainer import Fit, ScriptDigests, Trainer
from modelyard_api.fields.updates import immutable_once_started


class DatasetRef(ObjectRef):
    version: ObjectName | None = Field(None, description="A DatasetVersion of it [its latest accepted one].")


class TrainingRunSpec(RunPolicy):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.trainer.container) || !has(self.podTemplate) || !has(self.podTemplate.image)",
                "the image of a container is spec.trainer.container.image; leave podTemplate.image out",
                ".podTemplate",
            )
        )
    )

    dataset_ref: DatasetRef = Field(description="The data; its version is resolved once, when the run starts.")
    model_ref: ObjectRef | None = Field(None, description="The Model that a success registers a version of.")
    trainer: Trainer = Field(description="How the model is trained.")
    objective: Metric | None = Field(
        None, description="The metric that matters [balanced_accuracy or root_mean_squared_error]."
    )
    additional_metrics: list[Metric] = Field(default_factory=list, max_length=16, description="Metrics scored too.")
    seed: int = Field(0, ge=0, le=4294967295, description="The seed of everything random.")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The training pod.")


OUTCOME = "modelyard.dev/outcome"
"""Annotation of a TrainingRun that has ended: an ``Outcome`` in JSON."""


class Outcome(Model):
    """How a run has ended. It is an annotation, because a backup that is applied again loses uid and status."""

    run: str
    spec: str
    job: str | None = None
    start_time: str
    completion_time: str | None = None
    result_uri: str | None = None
    model_version: str | None = None
    failed: str | None = None
    message: str | None = None


class TrainingRunStatus(RunStatus):
    dataset_version: StatusName | None = Field(None, description="The DatasetVersion that was resolved.")
    image: str | None = Field(None, max_length=512, description="The image of the training pod.")
    script_files: ScriptDigests | None = Field(
        None,
        description="SHA-256 digests of the script's files when the run started, by key of its ConfigMap.",
    )
    objective: str | None = Field(None, max_length=64, description="The metric that matters.")
    score: str | None = Field(None, max_length=32, description="The objective on the held-out rows.")
    metrics: dict[str, float] = Field(
        default_factory=dict, json_schema_extra={"maxProperties": 32}, description="Metrics on the held-out rows."
    )
    baseline: float | None = Field(
        None,
        description="The objective on the held-out rows of always answering the most frequent class, or the mean.",
    )
    fit: Fit | None = Field(None, description="How the estimator was fitted.")
    left_out: list[Annotated[str, Field(max_length=160)]] = Field(
        default_factory=list,
        max_length=20,
        description="The first columns that are never features, since they are free text, identifiers or a key.",
    )
    format: Format | None = Field(None, description="How the trained model is stored: ONNX or Skops.")
    format_reason: str | None = Field(None, max_length=1024, description="Why it is not ONNX.")
    tracking_url: StatusURL | None = Field(None, description="The run's page in the tracking server.")
    outputs: Outputs | None = Field(None, description="What it made.")


class TrainingRun(Kind):
    """Train one model once, on one dataset version; a success registers a ModelVersion."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="TrainingRun",
        plural="trainingruns",
        short="trun",
        owns=("Job",),
        refers=(
            Reference(".spec.datasetRef.name", "Dataset"),
            Reference(".spec.datasetRef.version", "DatasetVersion"),
            Reference(".spec.modelRef.name", "Model"),
            Reference(".spec.trainer.script.configMap.name", "ConfigMap"),
            *POD_TEMPLATE_REFERENCES,
        ),
        runs=Run("train", under_way="Training"),
        operator=("create", "patch"),
        rules=(
            NAME_RULE,
            immutable_once_started(
                "TrainingRun",
                *("datasetRef", "modelRef", "trainer", "objective", "additionalMetrics", "seed", "backoffLimit"),
                while_suspended=("podTemplate",),
            ),
        ),
        columns=(
            Column("Phase", ".status.phase"),
            Column("Model", ".spec.modelRef.name"),
            Column("Version", ".status.outputs.modelVersion"),
            Column("Objective", ".status.objective"),
            Column("Score", ".status.score"),
            Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("start_timestamp_seconds", ".status.startTime", "When it started."),
            Figure("completion_timestamp_seconds", ".status.completionTime", "When it ended."),
        ),
    )

    spec: TrainingRunSpec = Field(description="What is trained.")
    status: TrainingRunStatus = Field(default_factory=TrainingRunStatus, description="How it went.")
