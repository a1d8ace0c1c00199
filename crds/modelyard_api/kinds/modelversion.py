"""ModelVersion: one immutable trained model."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from modelyard_api.fields.artifact import Format
from modelyard_api.fields.base import Count, Digest, Kind, Model, ObjectRef, StatusName, StoreURI, Time, rule, rules
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.metrics import Metric
from modelyard_api.fields.signature import Signature
from modelyard_api.fields.status import Status

Metrics = Annotated[dict[str, float], Field(json_schema_extra={"maxProperties": 32})]


def without_nulls(value: Any) -> Any:
    """Returns a copy with the text None for each null, as MLflow shows it: server-side apply refuses nulls in maps, so
    that a backup could not be applied."""
    match value:
        case dict():
            return {key: without_nulls(item) for key, item in value.items()}
        case list():
            return [without_nulls(item) for item in value]
    return "None" if value is None else value


class Artifact(Model):
    uri: StoreURI = Field(
        description="The folder in the artifact store that holds model.json and the files it names.",
    )
    digest: Digest = Field(description="Digest of model.json, which holds the files' own.")
    format: Format = Field(
        "ONNX", description="ONNX, or Skops: a scikit-learn pipeline that ONNX can't hold, of allowed types alone."
    )
    format_reason: str | None = Field(None, max_length=1024, description="Why it is not ONNX.")
    bytes: Count | None = Field(None, description="Size of all files.")


class Lineage(Model):
    training_run: str | None = Field(None, max_length=253, description="The run that made it.")
    dataset_version: str | None = Field(
        None, max_length=253, description="What it was trained on, and what an imported model is scored on."
    )
    dataset_digest: str | None = Field(None, max_length=71, description="Digest of those rows.")
    image: str | None = Field(None, max_length=512, description="The image that trained it.")
    source_digest: str | None = Field(None, max_length=71, description="Digest of the trainer as it was written.")
    parameters: Annotated[dict[str, Any], BeforeValidator(without_nulls)] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": 512},
        description="The parameters of the trained estimator.",
    )


class ModelVersionSpec(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self == oldSelf", "a ModelVersion is immutable; train or import another one instead"),
            rule(
                "has(self.lineage.trainingRun) || has(self.lineage.datasetVersion)",
                "an imported model needs lineage.datasetVersion, whose held-out rows it is scored on",
                ".lineage",
            ),
        )
    )

    model_ref: ObjectRef = Field(description="The Model that it is a version of.")
    number: int = Field(ge=1, le=1000000, description="Its number.")
    artifact: Artifact = Field(description="Where its bytes are.")
    signature: Signature | None = Field(None, description="Inputs and outputs [read from the artifact].")
    lineage: Lineage = Field(default_factory=Lineage, description="What it was made from.")
    metrics: Metrics = Field(default_factory=dict, description="Metrics on the held-out rows, found by its run.")


class GateResult(Model):
    name: str = Field(max_length=63, description="The gate.")
    metric: Metric = Field(description="Its metric.")
    passed: bool = Field(description="Whether it holds.")
    message: str = Field(max_length=256, description="What was found and what was asked.")


VERIFY = "modelyard.dev/verify"
"""Annotation of a ModelVersion: any new value has it verified again, after its bytes were restored."""


class Damage(Model):
    """What was noticed of a version's stored bytes after it was verified."""

    reason: str = Field(max_length=64, description="ArtifactMissing or DigestMismatch.")
    message: str = Field(max_length=1024, description="What a pod found when it fetched the model.")
    found_by: StatusName = Field(description="The ModelDeployment whose pod it was.")
    time: Time = Field(description="When it was noticed.")
    verify: str | None = Field(
        None, max_length=63, description="The annotation modelyard.dev/verify then; another value verifies it again."
    )


class Comparison(Model):
    """How the version compares with the champion that there was when it was judged."""

    champion: int = Field(ge=1, description="The number of that champion.")
    signature_changed: str | None = Field(
        None, max_length=1024, description="How its inputs, outputs or classes differ from the champion's."
    )
    metrics: Metrics = Field(
        default_factory=dict, description="The champion's metrics on this version's held-out rows."
    )
    own_metrics: Metrics = Field(
        default_factory=dict,
        description="This version's metrics on the same rows, if some were left out because the champion was trained "
        "on them.",
    )
    rows: Count | None = Field(None, description="How many rows those are.")
    problem: str | None = Field(None, max_length=1024, description="Why the champion could not be scored on them.")
    job: StatusName | None = Field(None, description="The Job that scores the champion on them.")
    attempts: int = Field(0, description="How many pods of that Job, and of those it replaces, were started.")


class ModelVersionStatus(Status):
    verified: bool | None = Field(None, description="Whether the artifact's digest and its answers were checked.")
    damage: Damage | None = Field(None, description="Its stored bytes are no longer those that were verified.")
    approved: bool | None = Field(
        None, description="Whether all gates hold, and inputs, outputs and classes are the champion's."
    )
    judged_generation: int | None = Field(None, description="The generation of the Model whose gates were judged.")
    gates: list[GateResult] = Field(
        default_factory=list, max_length=33, description="Each gate's result, NoWorseThanChampion last."
    )
    comparison: Comparison | None = Field(
        None, description="How it compares with the champion; absent if it was the first."
    )
    metrics: Metrics = Field(default_factory=dict, description="Metrics on the held-out rows, verified.")
    objective: str | None = Field(None, max_length=64, description="The metric that mattered to its run.")
    baseline: float | None = Field(
        None,
        description="The objective on the held-out rows of always answering the most frequent class, or the mean.",
    )
    signature: Signature | None = Field(None, description="Inputs and outputs, verified.")
    aliases: list[Annotated[str, Field(max_length=63)]] = Field(
        default_factory=list, max_length=8, description="The names that the Model gives it now."
    )
    job: StatusName | None = Field(None, description="The Job that scores an imported model.")
    attempts: int = Field(0, description="How many pods of that Job, and of those it replaces, were started.")


class ModelVersion(Kind):
    """One immutable trained model: artifact, digest, signature, metrics and lineage."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelVersion",
        plural="modelversions",
        short="mver",
        owns=("Job",),
        refers=(
            Reference(".spec.modelRef.name", "Model"),
            Reference(".spec.lineage.trainingRun", "TrainingRun", follow=False),
            Reference(".spec.lineage.datasetVersion", "DatasetVersion"),
        ),
        runs=Run("evaluate", under_way="Evaluating"),
        operator=("create", "patch"),
        rules=(
            rule(
                # Not compared with string(number), whose cost the API server estimates as for a string of any length.
                "self.metadata.name.startsWith(self.spec.modelRef.name + '-v') && "
                "self.metadata.name.substring(self.spec.modelRef.name.size() + 2).matches('^[1-9][0-9]{0,6}$') && "
                "int(self.metadata.name.substring(self.spec.modelRef.name.size() + 2)) == self.spec.number",
                "metadata.name must be <spec.modelRef.name>-v<spec.number>",
            ),
        ),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Model", ".spec.modelRef.name"),
            Column("Approved", ".status.approved", "boolean"),
            Column("Format", ".spec.artifact.format", priority=1),
            Column("Aliases", ".status.aliases"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("metric", ".status.metrics", "Its metrics on the held-out rows.", "metric"),
            Figure("baseline", ".status.baseline", "The objective of a constant answer on the same rows."),
        ),
    )

    spec: ModelVersionSpec = Field(description="What the version is.")
    status: ModelVersionStatus = Field(default_factory=ModelVersionStatus, description="Whether it may be used.")
