"""PipelineRun: one run of a Pipeline, with the reason why it was started."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from modelyard_api.fields.base import NAME_RULE, Kind, Model, ObjectRef, StatusName, Time
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference, Run
from modelyard_api.fields.status import Outputs, Phase, Progress, Status
from modelyard_api.fields.updates import immutable
from modelyard_api.kinds.pipeline import MAX_OUTPUTS, MAX_STEPS, MAX_TRIGGERS, STEP_OBJECTS, Parameters, StepName, Steps

MAX_COVERED = 10
STEPS = "modelyard.dev/steps"
"""Annotation of a run whose spec has no steps: those of its Pipeline, as they were when it started, with the values of
its parameters."""
STARTED = "modelyard.dev/started-as"
"""Annotation of a run that has started: its name and its uid, which it has no more if it comes from a backup."""
CAUSE = "modelyard.dev/cause"
"""Annotation of a run and of all that it makes: why it was started, for people."""


class Cause(Model):
    kind: str = Field(max_length=63, description="The kind of the object that something has come of; or Pipeline.")
    name: str = Field(max_length=253, description="Its name.")
    uid: str = Field(max_length=64, description="Its uid.")
    value: str = Field(
        max_length=253, description="What has come: a DatasetVersion, a time of a schedule, a condition's last change."
    )
    rows: int | None = Field(None, ge=0, description="The rows of the DatasetVersion.")
    came: Time = Field(description="When it came.")
    earlier: list[Annotated[str, Field(max_length=253)]] = Field(
        default_factory=list, max_length=MAX_COVERED, description="What came before it and is covered, newest first."
    )
    earlier_count: int = Field(0, ge=0, description="How much that is; the newest are listed.")


class RunTrigger(Model):
    name: StepName = Field(description="The trigger of the Pipeline.")
    cause: Cause = Field(description="What it was started by.")


class PipelineRunSpec(Model):
    pipeline_ref: ObjectRef = Field(description="The Pipeline.")
    parameters: Parameters = Field(default_factory=dict, description="Values of parameters [the Pipeline's defaults].")
    trigger: RunTrigger | None = Field(None, description="What has started it [a person].")
    covers: list[RunTrigger] = Field(
        default_factory=list, max_length=MAX_TRIGGERS, description="What else had come by then, and is covered."
    )
    steps: Steps | None = Field(None, description="What it does [the Pipeline's steps when it starts].")
    suspend: bool = Field(False, description="True: no step is started, and those that run are suspended.")


class StepStatus(Model):
    name: str = Field(max_length=20, description="Its name.")
    phase: str = Field(max_length=16, description="Pending, Running, Succeeded, Failed, Skipped or Suspended.")
    kind: str | None = Field(None, max_length=63, description="The kind of its object.")
    object: StatusName | None = Field(None, description="The object that does it.")
    reason: str | None = Field(None, max_length=128, description="Why it is not further, in one CamelCase word.")
    message: str | None = Field(None, max_length=200, description="Why, for people; the object has the whole text.")
    attempts: int = Field(0, description="How many pods of its container were started.")
    outputs: dict[str, Annotated[str, Field(max_length=512)]] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": MAX_OUTPUTS},
        description="What later steps can read.",
    )
    start_time: Time | None = Field(None, description="When its object was made.")
    completion_time: Time | None = Field(None, description="When it ended.")


class PipelineRunStatus(Status):
    phase: Phase | None = Field(None, description="Pending, Running, Succeeded, Failed or Suspended.")
    progress: Progress | None = Field(None, description="How many of its steps have succeeded.")
    start_time: Time | None = Field(None, description="When it started.")
    completion_time: Time | None = Field(None, description="When it ended.")
    outputs: Outputs | None = Field(None, description="What the last of its steps that has them made.")
    steps: list[StepStatus] = Field(default_factory=list, max_length=MAX_STEPS, description="How its steps are.")


class PipelineRun(Kind):
    """One run of a Pipeline, with the reason why it started."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="PipelineRun",
        plural="pipelineruns",
        short="mplrun",
        owns=("Job", *STEP_OBJECTS),
        refers=(Reference(".spec.pipelineRef.name", "Pipeline"),),
        runs=Run("step", under_way="Running"),
        operator=("create", "patch", "delete"),
        rules=(NAME_RULE, immutable("PipelineRun", "pipelineRef", "parameters", "trigger", "covers", "steps")),
        columns=(
            Column("Phase", ".status.phase"),
            Column("Pipeline", ".spec.pipelineRef.name"),
            Column("Trigger", ".spec.trigger.name"),
            Column("Cause", ".spec.trigger.cause.value"),
            Column("Steps", ".status.progress.message"),
            Column("Version", ".status.outputs.modelVersion"),
            Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("start_timestamp_seconds", ".status.startTime", "When it started."),
            Figure("completion_timestamp_seconds", ".status.completionTime", "When it ended."),
        ),
    )

    spec: PipelineRunSpec = Field(description="What runs, and why.")
    status: PipelineRunStatus = Field(default_factory=PipelineRunStatus, description="How it goes.")
