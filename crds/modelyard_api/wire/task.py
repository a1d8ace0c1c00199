"""The task that the operator gives a pod: one JSON document, mounted as a file by the downward API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.base import Digest, Model
from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.metrics import Metric
from modelyard_api.fields.metrics import Task as ModelTask
from modelyard_api.fields.trainer import ScriptDigests, Trainer
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import StoredFile, VersionColumn
from modelyard_api.kinds.pipelinesource import PipelineSourceSpec
from modelyard_api.kinds.sweep import SweepSpec

ANNOTATION = "modelyard.dev/task"
"""The annotation of the pod template that holds the task."""
TASK_FILE = "/modelyard/task/task.json"
SOURCE_FOLDER = "/modelyard/source"
"""The folder where an ingest pod finds the ConfigMap's key or the volume."""
CREDENTIALS_FOLDER = "/modelyard/credentials"
"""The folder where an ingest pod finds the keys of the Secret that its source names."""
DATA_FOLDER = "/modelyard/data"
"""The folder of a Workspace's data: ``<dataset>/<version>/<file>``."""
SCRIPT_FOLDER = "/modelyard/script"
"""The folder where a training pod finds the keys of the script's ConfigMap."""
BUNDLE_FOLDER = "/modelyard/bundle"
"""The folder of a bundle: its code in ``src``, its libraries in ``site``, and ``bundle.json``."""
IN_FOLDER, OUT_FOLDER, WORK_FOLDER = "/modelyard/in", "/modelyard/out", "/modelyard/work"
PARAMETERS_JSON, OUTPUTS_JSON = "parameters.json", "outputs.json"
"""The files in IN_FOLDER and OUT_FOLDER of a pipeline step's container."""
COLLECT_READY = f"{WORK_FOLDER}/collect-ready"
"""The file by which the collecting sidecar reports that it waits for the end of the container."""
TERMINATION_LOG = "/dev/termination-log"


class Subject(Model):
    """The object that the work is done for."""

    namespace: str
    name: str
    uid: str


class Common(Model):
    subject: Subject
    tracking_url: str
    base_uri: str = Field(description="The folder in the artifact store that the pod writes below.")
    result_uri: str = Field(description="Where the result document is written, last.")


class Data(Model):
    """A dataset version, as a trainer reads it."""

    name: str
    uri: str = Field(description="The folder with train.parquet and test.parquet.")
    digest: str
    target: str | None = None
    columns: list[VersionColumn]
    missing: list[str] = Field(default_factory=list, description="The texts that counted as missing when it was read.")
    key: list[str] = Field(default_factory=list, description="Columns that identify a row, which are no features.")


class Previous(Model):
    """The latest accepted version of a Dataset: its types win over what would be guessed."""

    name: str
    uri: str
    digest: str
    columns: list[VersionColumn] = Field(
        description="With what types need: name, type, format, time zone; and distinct if it is 0."
    )
    missing: list[str] = Field(default_factory=list, description="The words that counted as missing.")
    made_of: Digest | None = Field(
        None, description="The listing of the files that its rows come from, if it is known."
    )
    cursor: Cursor | None = Field(None, description="How far the query was read, if it is asked for new rows alone.")


class Input(Model):
    """A version of another Dataset that a query reads."""

    name: str = Field(description="The name of the table in the query.")
    dataset: str
    version: str
    digest: str
    uri: str
    files: list[StoredFile]


class IngestTask(Common):
    kind: Literal["Ingest"] = "Ingest"
    spec: DatasetSpec
    source: str = Field(
        "", description="The file or folder below SOURCE_FOLDER, for messages and for the extension; none of a uri."
    )
    seen: Digest | None = Field(
        None, description="The listing that was read last: a source whose files list so is not read again."
    )
    remake: bool = Field(False, description="Whether a version is to be made although no file is new: of another spec.")
    most_bytes: int = Field(10 * 2**30, description="How much of a source the pod may fetch to its disk.")
    inputs: list[Input] = Field(default_factory=list, description="What source.query reads, by version.")
    previous: Previous | None = None


class TrainTask(Common):
    kind: Literal["Train"] = "Train"
    data: Data
    model: str | None = Field(None, description="The Model, which names the experiment in the tracking server.")
    task: ModelTask | None = Field(None, description="The Model's task, if there is one.")
    trainer: Trainer
    script_files: ScriptDigests = Field(
        default_factory=dict, description="The script's files as they were when the run started; others are refused."
    )
    objective: Metric | None = None
    additional_metrics: list[Metric] = Field(default_factory=list)
    seed: int = 0
    image: str


class Challenger(Model):
    """A version that may follow a champion."""

    artifact_uri: str
    artifact_digest: str


class EvaluateTask(Common):
    kind: Literal["Evaluate"] = "Evaluate"
    data: Data
    artifact_uri: str
    artifact_digest: str
    task: ModelTask
    challenger: Challenger | None = Field(
        None,
        description="The version that may follow this model, which was trained on ``data``: both are scored.",
    )
    trained_on: Data | None = Field(
        None,
        description="What this model was trained on. Held-out rows that it has seen, but the challenger has not, are "
        "left out: on them it would only remember.",
    )


class StepTask(Common):
    """A container of a PipelineRun's step."""

    kind: Literal["Step"] = "Step"
    step: str
    parameters: dict[str, str] = Field(default_factory=dict)
    outputs: list[str] = Field(default_factory=list, description="The names that the container writes.")


class SweepTask(Common):
    """The task of all pods of a Sweep: the first coordinates the trials, and each tries one after the other."""

    kind: Literal["Sweep"] = "Sweep"
    data: Data
    spec: SweepSpec
    trial_seconds: float = Field(description="Of spec.trialTimeout.")
    coordinator: str = Field(description="Host and port at which the other pods reach the first.")
    image: str


class Table(Model):
    """A dataset version that a person may read."""

    dataset: str
    version: str
    uri: str
    files: list[StoredFile] = Field(description="The files to bring, each with its digest; none: those that are known.")


class BringTask(Common):
    kind: Literal["Bring"] = "Bring"
    tables: list[Table]


class PredictTask(Common):
    kind: Literal["Predict"] = "Predict"
    data: Data
    model_version: str = Field(description="The name of the ModelVersion.")
    artifact_uri: str
    artifact_digest: str
    keep: list[str] = Field(default_factory=list, description="Columns that are copied beside the answers.")
    max_bad_rows: int = 0
    output: DatasetSpec = Field(description="The Dataset that the answers are pushed to: its rules judge them.")
    dataset: str = Field(description="That Dataset's name.")
    previous: Previous | None = Field(None, description="That Dataset's latest version.")
    image: str


GIT_FOLDER, PUSH_FOLDER, REPORT_FOLDER = "/modelyard/git", "/modelyard/push", "/modelyard/report"
"""The folders of a PipelineSource's pods: for its Secrets, and for what the tests report."""


class SourceTask(Common):
    """What the pods of a PipelineSource do: look its ref up, or build a commit."""

    kind: Literal["Source"] = "Source"
    spec: PipelineSourceSpec
    commit: str | None = Field(None, description="The commit that is built; none: the ref is looked up.")
    key: str = ""


Task = Annotated[
    IngestTask | TrainTask | EvaluateTask | PredictTask | SweepTask | SourceTask | StepTask | BringTask,
    Field(discriminator="kind"),
]
