"""What a pod returns: the result document in the artifact store, and its short form, the termination message.

Exit codes of the runtime: 0 means success; 2 an error of the user, which no retry can solve; 75 that the tracking
server is unreachable or its volume is full, which doesn't count as a failed attempt; any other code may be retried.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from modelyard_api.fields.artifact import Format
from modelyard_api.fields.base import (
    MAX_LEVELS,
    ColumnName,
    Count,
    Digest,
    Model,
    ObjectName,
    StatusName,
    StoreURI,
    Time,
    levels,
)
from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.doubts import MOST_DOUBTS, Doubt
from modelyard_api.fields.listing import Listing
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Signature
from modelyard_api.fields.trainer import Estimator, Fit
from modelyard_api.fields.validation import Split
from modelyard_api.kinds.batchprediction import MOST_EXAMPLES, BadRow
from modelyard_api.kinds.datasetversion import (
    MAX_CHANGES,
    MAX_KEY,
    Change,
    MissingWord,
    StoredFile,
    VersionColumn,
    VersionInput,
    Violation,
)
from modelyard_api.kinds.pipeline import MAX_OUTPUT_BYTES, MAX_OUTPUTS, Word
from modelyard_api.kinds.pipelinesource import MAX_CHECKS, Check, Commit
from modelyard_api.kinds.registry import DELIVERED

EXIT_USER_ERROR = 2
EXIT_UNAVAILABLE = 75
"""``EX_TEMPFAIL`` of sysexits.h."""
MAX_MESSAGE_BYTES = 1024
SUPERSEDED = {"kind": "Superseded"}
"""What a pod writes over the result of an earlier one whose container has failed or was stopped. It is no result: pods
may delete nothing."""
MAX_PARAMETERS_BYTES = 64 * 1024


def _check_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    if levels(parameters) > MAX_LEVELS:
        raise ValueError(f"more than {MAX_LEVELS} levels of lists and maps")
    if len(json.dumps(parameters)) > MAX_PARAMETERS_BYTES:
        raise ValueError(f"more than {MAX_PARAMETERS_BYTES} bytes")
    return parameters


def _told(message: str) -> str:
    return message if message.strip() else "its program gave no message; see the log of its pod"


# A result's values are copied into specs and statuses, so they have the bounds of those fields.
Metrics = Annotated[dict[Annotated[str, Field(max_length=64)], float], Field(max_length=32)]
Parameters = Annotated[dict[str, Any], Field(max_length=512), AfterValidator(_check_parameters)]
Identifier = Annotated[str, Field(max_length=256)]


class Error(Model):
    """Why a task failed, for people: ``reason`` is a word in CamelCase, ``field`` is the spec's field, ``message`` says
    what is allowed, and is never empty."""

    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]{1,62}$")
    message: Annotated[str, AfterValidator(_told)]
    field: str | None = None


class Failed(Model):
    kind: Literal["Failed"] = "Failed"
    error: Error


class TableResult(Model):
    """A table in the artifact store, from which a DatasetVersion is registered, whatever wrote the table."""

    accepted: bool
    version_id: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="64 hex digits: hash of content digest, target, columns, split, validation.",
    )
    uri: StoreURI
    digest: Digest
    rows: Count
    test_rows: Count
    bytes: Count
    files: list[StoredFile] = Field(default_factory=list, max_length=8)
    target: ColumnName | None = None
    columns: list[VersionColumn]
    key: list[ColumnName] = Field(default_factory=list, max_length=MAX_KEY)
    dropped_rows: Count = 0
    changes: list[Change] = Field(default_factory=list, max_length=MAX_CHANGES)
    missing: list[MissingWord] = Field(default_factory=list, max_length=101)
    violations: list[Violation] = Field(default_factory=list)
    doubts: list[Doubt] = Field(default_factory=list, max_length=MOST_DOUBTS)
    profile: bool = Field(False, description="Whether profile.json, with sketches of its columns, is beside it.")
    report: bool = Field(False, description="Whether report.html, the page about it, is beside it.")
    report_problem: str | None = Field(None, max_length=256, description="Why there is no page, if it was tried.")


class CheckResult(Model):
    """What a look at a source has found: a table, or nothing to read."""

    listing: Listing | None = Field(None, description="What the source lists, if that tells of changes.")


class IngestResult(TableResult, CheckResult):
    kind: Literal["Ingest"] = "Ingest"
    made_of: Listing | None = Field(None, description="The files that the rows come from.")
    cursor: Cursor | None = Field(None, description="How far the query was read, if it is asked for new rows alone.")
    inputs: list[VersionInput] = Field(default_factory=list, max_length=16, description="What a query read.")


class LookResult(CheckResult):
    """Nothing was read: nothing is new, or what is new may still be written, or is no new file or no row that can be
    new where those alone are read."""

    kind: Literal["Look"] = "Look"
    reason: Literal["Unchanged", "NotSettled", "FilesChanged", "RowsLeftOut"]
    message: str


class Reading(Model):
    """How far the reading of a table is: no result, but a document beside the one to come."""

    rows: Count
    bytes: Count = Field(description="That were read; 0 if it is not known.")
    size: Count = Field(description="Bytes of the source; 0 if it is not known.")
    passes: Count = Field(1, description="2: it is read a second time, since types were guessed wrongly at first.")


class TrainResult(Model):
    kind: Literal["Train"] = "Train"
    task: Task
    artifact_uri: StoreURI
    artifact_digest: Digest
    artifact_bytes: Count
    artifact_format: Format = "ONNX"
    format_reason: str | None = Field(None, max_length=1024, description="Why it is not ONNX.")
    signature: Signature
    objective: str = Field(max_length=64)
    metrics: Metrics
    baseline: float | None = Field(
        None, description="The objective of always answering the most frequent class, or the mean."
    )
    fit: Fit | None = Field(None, description="None for a container of the user's own.")
    left_out: list[str] = Field(
        default_factory=list, max_length=1000, description="The columns that are never features, each with its type."
    )
    source_digest: str = Field(max_length=71)
    parameters: Parameters = Field(default_factory=dict)
    dataset_version: StatusName = Field(description="The DatasetVersion that it was trained on.")
    dataset_digest: Digest = Field(description="That version's content digest.")
    image: str = Field(max_length=512, description="The image that trained it, as the task names it.")
    tracking_run_id: Identifier | None = None
    tracking_experiment_id: Identifier | None = None


class EvaluateResult(Model):
    kind: Literal["Evaluate"] = "Evaluate"
    artifact_digest: Digest
    artifact_bytes: Count
    artifact_format: Format = "ONNX"
    signature: Signature
    metrics: Metrics
    challenger_metrics: Metrics = Field(default_factory=dict)
    rows: Count | None = Field(None, description="How many rows both were scored on, if there is a challenger.")


def _check_outputs(outputs: dict[str, str]) -> dict[str, str]:
    size = sum(len(text.encode()) for item in outputs.items() for text in item)
    if size > MAX_OUTPUT_BYTES:
        raise ValueError(f"{size} bytes of names and values; at most {MAX_OUTPUT_BYTES} are possible")
    return outputs


Outputs = Annotated[dict[Word, str], Field(max_length=MAX_OUTPUTS), AfterValidator(_check_outputs)]
"""What the container of a pipeline step has written, by name."""


class StepResult(Model):
    kind: Literal["Step"] = "Step"
    outputs: Outputs = Field(default_factory=dict)


class TrialResult(Model):
    """A trial that has a score."""

    trial: Count
    value: float
    estimator: Estimator


class SweepResult(Model):
    """How far a search is, and its result once ``succeeded`` and ``failed`` are all trials."""

    kind: Literal["Sweep"] = "Sweep"
    running: Count = 0
    succeeded: Count = 0
    failed: Count = 0
    best: TrialResult | None = None
    common_error: str | None = Field(None, max_length=1024, description="The most frequent error of failed trials.")
    untracked: Count = Field(0, description="How many trials the tracking server has no run of.")
    dataset_version: StatusName = Field(description="The DatasetVersion that was searched on.")
    image: str = Field(max_length=512, description="The image of the pods.")


class PredictResult(TableResult):
    """The table of answers; ``rows`` are those that were scored."""

    kind: Literal["Predict"] = "Predict"
    split: Split
    bad_rows: Count
    bad_examples: list[BadRow] = Field(default_factory=list, max_length=MOST_EXAMPLES)
    rows_per_second: Count
    ended_at: Time = Field(description="When the pod had all answers; tables become latest in this order.")
    dataset_version: StatusName = Field(description="The DatasetVersion that was scored.")
    model_version: StatusName = Field(description="The ModelVersion that scored it.")
    image: str = Field(max_length=512, description="The image that scored it, as the task names it.")


MAX_MANIFESTS = 64
MAX_MANIFESTS_BYTES = 512 * 1024


class ManifestMetadata(Model):
    name: ObjectName
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Manifest(Model):
    """An object that is delivered; the target says its namespace."""

    api_version: Literal["modelyard.dev/v1alpha1"] = "modelyard.dev/v1alpha1"
    kind: str
    metadata: ManifestMetadata
    spec: dict[str, Any]


def _check_manifests(manifests: list[Manifest]) -> list[Manifest]:
    documents = [item.wire() for item in manifests]
    if levels(documents) > MAX_LEVELS:
        raise ValueError(f"more than {MAX_LEVELS} levels of lists and maps")
    if len(json.dumps(documents)) > MAX_MANIFESTS_BYTES:
        raise ValueError(f"more than {MAX_MANIFESTS_BYTES} bytes")
    names = [(item.kind, item.metadata.name) for item in manifests]
    if len(names) != len(set(names)):
        raise ValueError("an object stands there twice")
    if foreign := {item.kind for item in manifests} - set(DELIVERED):
        raise ValueError(f"kind {foreign.pop()} is not delivered")
    return manifests


class SourceResult(Model):
    """The ref's commit, or what came of a commit: its checks, and if all passed its bundle and its manifests."""

    kind: Literal["Source"] = "Source"
    commit: Commit
    checks: list[Check] = Field(default_factory=list, max_length=MAX_CHECKS)
    image: str | None = Field(None, max_length=512, description="The bundle, as repository@digest.")
    digest: Digest | None = None
    manifests: Annotated[list[Manifest], Field(max_length=MAX_MANIFESTS), AfterValidator(_check_manifests)] = Field(
        default_factory=list, description="What is applied in each target; the placeholders are filled in."
    )


Result = Annotated[
    IngestResult
    | LookResult
    | TrainResult
    | EvaluateResult
    | PredictResult
    | SweepResult
    | SourceResult
    | StepResult
    | Failed,
    Field(discriminator="kind"),
]


class Message(Model):
    """The termination message of at most 1 KiB: enough for the operator to continue if the store can't be read."""

    kind: str = Field(max_length=32, description="That of the result, Failed among them.")
    result_uri: str | None = None
    digest: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    error: Error | None = None
