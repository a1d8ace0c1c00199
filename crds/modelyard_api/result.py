"""What comes back from a pod: the result document in the artifact store, and its short form, the termination message.

Exit codes of the runtime: 0 success; 2 the user's error, where a retry can't help; anything else may be tried again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from modelyard_api.base import Model
from modelyard_api.datasetversion import VersionColumn, Violation
from modelyard_api.metrics import Task
from modelyard_api.signature import Signature

EXIT_USER_ERROR = 2
MAX_MESSAGE_BYTES = 1024


class Error(Model):
    """Why it failed, for people: ``reason`` in CamelCase, ``field`` of the spec, ``message`` says what is allowed."""

    reason: str
    message: str
    field: str | None = None


class Failed(Model):
    kind: Literal["Failed"] = "Failed"
    error: Error


class IngestResult(Model):
    kind: Literal["Ingest"] = "Ingest"
    accepted: bool
    version_id: str = Field(description="64 hex digits: hash of content digest, target, columns, split, validation.")
    uri: str
    digest: str
    rows: int
    test_rows: int
    bytes: int
    target: str
    columns: list[VersionColumn]
    violations: list[Violation] = Field(default_factory=list)


class TrainResult(Model):
    kind: Literal["Train"] = "Train"
    task: Task
    artifact_uri: str
    artifact_digest: str
    artifact_bytes: int
    signature: Signature
    objective: str
    metrics: dict[str, float]
    source_digest: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    dataset_version: str | None = Field(None, description="The DatasetVersion that it was trained on.")
    dataset_digest: str | None = Field(None, description="That version's content digest.")
    image: str | None = Field(None, description="The image that trained it, as the task names it.")
    tracking_run_id: str | None = None
    tracking_experiment_id: str | None = None


class EvaluateResult(Model):
    kind: Literal["Evaluate"] = "Evaluate"
    artifact_digest: str
    artifact_bytes: int
    signature: Signature
    metrics: dict[str, float]


Result = Annotated[IngestResult | TrainResult | EvaluateResult | Failed, Field(discriminator="kind")]


class Message(Model):
    """The termination message, at most 1 KiB: enough to go on with when the store can't be read."""

    kind: Literal["Ingest", "Train", "Evaluate", "Failed"]
    result_uri: str | None = None
    digest: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    error: Error | None = None
