"""Pipeline: a recurring training pipeline, a DAG of other kinds with its triggers and their limits."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import (
    NAME_RULE,
    Count,
    Duration,
    Kind,
    Model,
    ObjectRef,
    StatusName,
    Time,
    rule,
    rules,
)
from modelyard_api.fields.embedded import Embedded, embedded_in, exactly_one
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference
from modelyard_api.fields.pods import PodTemplate
from modelyard_api.fields.status import Status
from modelyard_api.fields.trainer import Container
from modelyard_api.kinds.batchprediction import BatchPredictionSpec
from modelyard_api.kinds.sweep import SweepSpec
from modelyard_api.kinds.trainingrun import TrainingRunSpec

MAX_STEPS, MAX_TRIGGERS, MAX_PARAMETERS, MAX_OUTPUTS = 16, 8, 32, 8
MAX_OUTPUT_BYTES = 512
"""Bytes of the names and values of a container's outputs in all: they stand in the status of the run."""
_BY_NAME: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}

StepName = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""Short, because the names of the step's objects are made from it."""
Word = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""The name of a parameter or an output, as it stands in a placeholder."""
Value = Annotated[str, Field(max_length=1024)]
Parameters = Annotated[dict[str, Value], Field(json_schema_extra={"maxProperties": MAX_PARAMETERS})]


class CronTrigger(Model):
    schedule: str = Field(
        min_length=9, max_length=128, description="Minute, hour, day of month, month and day of week, as cron has them."
    )
    time_zone: str = Field(
        "Etc/UTC",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
        description="The time zone of the schedule, by its IANA name, for example Asia/Seoul.",
    )


class DatasetTrigger(ObjectRef):
    min_new_rows: int | None = Field(
        None, ge=1, le=2**53 - 1, description="Rows that a version must have more than the one that was used last [0]."
    )


class ConditionTrigger(ObjectRef):
    kind: str = Field(
        max_length=63, pattern=r"^[A-Z][A-Za-z]*$", description="The kind of the object, one of Modelyard's."
    )
    type: str = Field(min_length=1, max_length=63, description="The condition, for example InputsStable.")
    status: Literal["True", "False", "Unknown"] = Field(description="The status that starts a run.")
    for_: Duration = Field("0s", alias="for", description="How long the condition must have had this status.")
    repeat: Duration | None = Field(
        None,
        description="While the status holds on, a run is started again this long after the one before [only once the "
        "condition has changed and come back].",
    )


class MonitorTrigger(ObjectRef):
    condition: Literal["InputsStable", "OutputsStable"] = Field(
        "InputsStable", description="The condition of the ModelMonitor that must be False."
    )
    for_: Duration = Field("0s", alias="for", description="How long it must have been False.")
    repeat: Duration | None = Field(
        None, description="As that of condition [only once the condition has changed and come back]."
    )


class Trigger(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.cron), has(self.dataset), has(self.monitor), has(self.condition)].exists_one(given, given)",
                "write exactly one of cron, dataset, monitor and condition",
            )
        )
    )

    name: StepName = Field(description="Its name, unique among the triggers.")
    cron: CronTrigger | None = Field(None, description="At the times of a schedule.")
    dataset: DatasetTrigger | None = Field(None, description="When a Dataset has a new accepted version.")
    monitor: MonitorTrigger | None = Field(None, description="When a ModelMonitor says that data have shifted.")
    condition: ConditionTrigger | None = Field(None, description="When a condition of an object has had a status.")

    @property
    def watched_condition(self) -> ConditionTrigger | None:
        """Returns the condition that is watched, which ``monitor`` is a shorter way to write."""
        if self.monitor is None:
            return self.condition
        given = {"kind": "ModelMonitor", "name": self.monitor.name, "type": self.monitor.condition, "status": "False"}
        return ConditionTrigger.model_validate({**given, "for": self.monitor.for_, "repeat": self.monitor.repeat})


class Limits(Model):
    cooldown: Duration | None = Field(None, description="The least time between the starts of two runs [0s].")
    concurrency: Literal["Forbid"] = Field(
        "Forbid", description="Forbid: what comes while a run is on is one run afterwards, which names all of it."
    )
    starting_deadline: Duration | None = Field(
        None, description="A time of a schedule that is missed by more is skipped, and counted [never]."
    )


class Parameter(Model):
    name: Word = Field(description="Its name; $(parameters.<name>) in a step stands for its value.")
    default: Value = Field("", description="Its value in runs that give it none.")


class ContainerStep(Container):
    """Any image that reads /modelyard/in/parameters.json and writes /modelyard/out/outputs.json."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.podTemplate) || !has(self.podTemplate.image)",
                "the image of a container is container.image; leave podTemplate.image out",
                ".podTemplate",
            )
        )
    )

    parameters: Parameters = Field(
        default_factory=dict, description="What the container finds in /modelyard/in/parameters.json."
    )
    outputs: Annotated[list[Word], Field(max_length=MAX_OUTPUTS, json_schema_extra=_SET)] = Field(
        default_factory=list,
        description="The names in the JSON object that it writes to /modelyard/out/outputs.json: texts and numbers, "
        f"{MAX_OUTPUT_BYTES} bytes in all.",
    )
    active_deadline_seconds: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Seconds after which a step that has not finished fails."
    )
    backoff_limit: int = Field(3, ge=0, le=100, description="How often a failed pod is replaced.")
    pod_template: PodTemplate = Field(default_factory=PodTemplate, description="The pod of the container.")


class Step(Model):
    """A node of the DAG. A field that is ``Embedded`` is a kind of steps; a new one is one more such field."""

    model_config = ConfigDict(json_schema_extra=exactly_one)

    name: StepName = Field(description="Its name, unique among the steps.")
    after: Annotated[list[StepName], Field(max_length=MAX_STEPS, json_schema_extra=_SET)] = Field(
        default_factory=list,
        description="Steps that must have succeeded before; those whose outputs it names are added.",
    )
    training_run: Annotated[
        dict[str, Any] | None,
        Embedded(
            TrainingRunSpec,
            "TrainingRun",
            (("trainer", "estimator", "params"), ("trainer", "script", "parameters")),
        ),
    ] = Field(None, description="The spec of a TrainingRun.")
    sweep: Annotated[dict[str, Any] | None, Embedded(SweepSpec, "Sweep")] = Field(
        None, description="The spec of a Sweep."
    )
    batch_prediction: Annotated[dict[str, Any] | None, Embedded(BatchPredictionSpec, "BatchPrediction")] = Field(
        None, description="The spec of a BatchPrediction."
    )
    container: Annotated[dict[str, Any] | None, Embedded(ContainerStep)] = Field(
        None, description="A container of one's own."
    )

    @property
    def content(self) -> tuple[str, dict[str, Any]]:
        """Returns the field that says what the step does, and what it holds."""
        given = ((field.alias or name, getattr(self, name)) for name, field in type(self).model_fields.items())
        return next((name, spec) for name, spec in given if name in STEP_KINDS and spec is not None)


STEP_KINDS = embedded_in(Step)
"""Field of ``Step`` -> what it holds."""
STEP_OBJECTS = tuple(mark.kind for mark in STEP_KINDS.values() if mark.kind)
"""The kinds that steps are objects of."""
Steps = Annotated[
    list[Step],
    Field(
        min_length=1,
        max_length=MAX_STEPS,
        json_schema_extra={
            **_BY_NAME,
            **rules(
                rule(
                    "self.all(step, !has(step.after) || step.after.all(name, self.exists(other, other.name == name)))",
                    "after names a step that there is not; write the name of one of steps",
                )
            ),
        },
    ),
]


class Retention(Model):
    succeeded: int = Field(10, ge=0, le=100, description="How many succeeded runs are kept.")
    failed: int = Field(10, ge=0, le=100, description="How many failed runs are kept.")


class PipelineSpec(Model):
    triggers: Annotated[list[Trigger], Field(max_length=MAX_TRIGGERS, json_schema_extra=_BY_NAME)] = Field(
        default_factory=list, description="What starts runs [only a PipelineRun that a person applies]."
    )
    settle: Duration | None = Field(
        None, description="A run starts once nothing more has come for so long; a schedule doesn't wait [0s]."
    )
    limits: Limits = Field(default_factory=Limits, description="How often runs may start.")
    parameters: Annotated[list[Parameter], Field(max_length=MAX_PARAMETERS, json_schema_extra=_BY_NAME)] = Field(
        default_factory=list, description="Values that steps use, and that a run may set."
    )
    steps: Steps = Field(
        description="What a run does. In their texts, and in place of whole numbers, $(parameters.<name>), "
        "$(steps.<name>.outputs.<name>), "
        "$(trigger.name), $(trigger.value), $(trigger.datasetVersion) and $(run.name) are replaced; $$( is $( itself."
    )
    retention: Retention = Field(
        default_factory=Retention, description="How many runs that its triggers have started are kept."
    )
    suspend: bool = Field(False, description="True: no run is started; what comes meanwhile is one run afterwards.")


class TriggerStatus(Model):
    name: str = Field(max_length=20, description="Its name.")
    watches: str = Field(max_length=400, description="What it watches, as it was when it was first seen.")
    since: Time = Field(description="When it was first seen, or until when its schedule is dealt with.")
    used: str | None = Field(None, max_length=253, description="What its last run was started for.")
    used_uid: str | None = Field(None, max_length=64, description="The uid of the object that it came from.")
    used_at: Time | None = Field(None, description="When it came.")
    used_rows: Count | None = Field(None, description="The rows of the version.")
    run: StatusName | None = Field(None, description="That run.")
    run_time: Time | None = Field(None, description="When that run was made.")
    pending: str | None = Field(None, max_length=253, description="What waits for a run.")
    message: str | None = Field(None, max_length=256, description="What it waits for.")
    skipped: int = Field(0, description="How many times of its schedule were skipped.")


class RunCounts(Model):
    running: int = Field(0, description="Runs that have not ended.")
    succeeded: int = Field(0, description="Runs that have succeeded.")
    failed: int = Field(0, description="Runs that have failed.")


class PipelineStatus(Status):
    last_run: StatusName | None = Field(None, description="The run that was started last.")
    last_start_time: Time | None = Field(None, description="When that was.")
    next_schedule: Time | None = Field(None, description="The next time of a schedule.")
    runs: RunCounts | None = Field(None, description="How many of its runs exist.")
    skipped: int = Field(0, description="How many times of schedules were skipped, since they were missed.")
    triggers: list[TriggerStatus] = Field(
        default_factory=list, max_length=MAX_TRIGGERS, description="What each trigger has seen and used."
    )


class Pipeline(Kind):
    """A recurring training pipeline: a DAG of the kinds above, its triggers and their limits."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Pipeline",
        plural="pipelines",
        short="mpl",
        owns=("PipelineRun",),
        refers=(
            Reference(".spec.triggers[].dataset.name", "Dataset"),
            Reference(".spec.triggers[].monitor.name", "ModelMonitor"),
            Reference(".spec.triggers[].condition.name", ".spec.triggers[].condition.kind"),
        ),
        rules=(NAME_RULE,),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Suspended", ".spec.suspend", "boolean"),
            Column("Running", ".status.runs.running", "integer"),
            Column("Last", ".status.lastRun"),
            Column("Started", ".status.lastStartTime", "date"),
            Column("Next", ".status.nextSchedule"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("running_runs", ".status.runs.running", "Its runs that have not ended."),
            Figure("succeeded_runs", ".status.runs.succeeded", "Its runs that exist and have succeeded."),
            Figure("failed_runs", ".status.runs.failed", "Its runs that exist and have failed."),
            Figure("skipped_slots", ".status.skipped", "Times of its schedules that were skipped."),
            Figure("last_start_timestamp_seconds", ".status.lastStartTime", "When its last run was started."),
        ),
    )

    spec: PipelineSpec = Field(description="What runs, and when.")
    status: PipelineStatus = Field(default_factory=PipelineStatus, description="What it has started and waits for.")
