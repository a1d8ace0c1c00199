"""BatchPrediction: score all rows of a dataset version once; the answers become a version of another Dataset."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    NAME_RULE,
    ColumnName,
    Count,
    Kind,
    Model,
    ObjectRef,
    rule,
    rules,
)
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.pods import POD_TEMPLATE_REFERENCES, PodTemplate, RunPolicy
from modelyard_api.fields.status import Inputs, Outputs, RunStatus
from modelyard_api.fields.updates import immutable_once_started
from modelyard_api.kinds.trainingrun import DatasetRef

MOST_EXAMPLES = 5
"""Most rows that a status names of those that can't be scored."""


class ScoringModelRef(ObjectRef):
    model_config = ConfigDict(
        json_schema_extra=rules(rule("has(self.version) != has(self.alias)", "write exactly one of alias and version"))
    )

    alias: Literal["champion", "challenger"] | None = Field(
        None, description="The version that has this alias when the run starts."
    )
    version: int | None = Field(
        None, ge=1, description="The number of a version, which must pass the Model's gates, or be its champion."
    )


class PredictionOutput(Model):
    dataset_ref: ObjectRef = Field(description="A Dataset whose spec.source is pushed: {}; it gets a version.")
    keep: Annotated[list[ColumnName], Field(max_length=1000, json_schema_extra={"x-kubernetes-list-type": "set"})] = (
        Field(default_factory=list, description="Columns of the input that are copied beside the answers [none].")
    )


class BatchPredictionSpec(RunPolicy):
    model_ref: ScoringModelRef = Field(description="The model; its version is resolved once, when the run starts.")
    dataset_ref: DatasetRef = Field(description="The rows; their version is resolved once, when the run starts.")
    output: PredictionOutput = Field(description="Where the answers go.")
    max_bad_rows: int = Field(
        0, ge=0, le=2**53 - 1, description="How many rows may be left out as they can't be scored; more fail the run."
    )
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The pod that scores.")


class BadRow(Model):
    """A row that can't be scored."""

    row: int = Field(ge=1, le=2**53 - 1, description="Its number in the version: training rows first, counted from 1.")
    column: str | None = Field(None, max_length=128, description="The column; absent: the answer is the reason.")
    reason: str = Field(max_length=256, description="Why it can't be scored.")


class BatchPredictionStatus(RunStatus):
    inputs: Inputs | None = Field(None, description="What was resolved when it started.")
    rows: Count | None = Field(None, description="Rows that were scored.")
    bad_rows: Count | None = Field(None, description="Rows that were left out because they can't be scored.")
    bad_examples: list[BadRow] = Field(
        default_factory=list, max_length=MOST_EXAMPLES, description="The first of the rows that were left out."
    )
    rows_per_second: Count | None = Field(None, description="How many rows were read, scored and written in a second.")
    outputs: Outputs | None = Field(
        None, description="What it made; it appears when the Dataset has registered it, in the same write as Complete."
    )


class BatchPrediction(Kind):
    """Score all rows of a dataset version once; the answers become a version of another Dataset."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="BatchPrediction",
        plural="batchpredictions",
        short="bpred",
        owns=("Job",),
        refers=(
            Reference(".spec.modelRef.name", "Model"),
            Reference(".spec.datasetRef.name", "Dataset"),
            Reference(".spec.output.datasetRef.name", "Dataset"),
            Reference(".spec.datasetRef.version", "DatasetVersion"),
            *POD_TEMPLATE_REFERENCES,
        ),
        runs=Run("predict", under_way="Predicting"),
        operator=("create", "patch"),
        rules=(
            NAME_RULE,
            immutable_once_started(
                "BatchPrediction",
                *("modelRef", "datasetRef", "output", "maxBadRows", "backoffLimit"),
                while_suspended=("podTemplate",),
            ),
        ),
        columns=(
            Column("Phase", ".status.phase"),
            Column("Model", ".status.inputs.modelVersion"),
            Column("Data", ".status.inputs.datasetVersion"),
            Column("Rows", ".status.rows", "integer"),
            Column("Bad", ".status.badRows", "integer"),
            Column("Output", ".status.outputs.datasetVersion"),
            Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("rows", ".status.rows", "Rows that it scored."),
            Figure("bad_rows", ".status.badRows", "Rows that it left out."),
            Figure("completion_timestamp_seconds", ".status.completionTime", "When it ended."),
        ),
    )

    spec: BatchPredictionSpec = Field(description="What is scored, by which model.")
    status: BatchPredictionStatus = Field(default_factory=BatchPredictionStatus, description="How it went.")
