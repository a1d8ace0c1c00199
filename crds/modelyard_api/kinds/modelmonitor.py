"""ModelMonitor: compares what a served model is asked and answers with what it learned from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelyard_api.fields.base import (
    ColumnName,
    Count,
    Kind,
    Model,
    ObjectName,
    ObjectRef,
    StatusName,
    Time,
    rule,
    rules,
)
from modelyard_api.fields.facts import Column, Figure, KindInfo, Reference
from modelyard_api.fields.status import Status

SHOWN_COLUMNS = 10
"""Most columns that the status tells of."""
MOST_PODS = 100
"""Most pods whose names the status keeps."""
_SECONDS = "duration(self).getSeconds()"
WindowLength = Annotated[
    str,
    Field(
        pattern=r"^([0-9]{1,4}(s|m))+$",
        max_length=16,
        # The rule is the field's, not the window's: an object's default is {} to the API server when it checks rules.
        json_schema_extra=rules(
            rule(
                f"duration(self) >= duration('10s') && duration(self) <= duration('50m') "
                f"&& ({_SECONDS} % 60 == 0 || {_SECONDS} in [10, 20, 30])",
                "window.length must be 10s, 20s, 30s, or whole minutes up to 50m: model servers keep what they saw by "
                "ten seconds and by minute, for an hour",
            )
        ),
    ),
]
"""A duration of whole seconds, for example ``30s`` or ``10m``."""
_BY = (("column", "name"), ("role", "role"))
"""Labels of the series of a column, and the fields that they come from."""


class MonitorReference(Model):
    dataset_version: ObjectName | None = Field(
        None,
        description="The DatasetVersion whose rows the inputs are compared with [the one that the served version was "
        "trained on]. Answers are always compared with the served version's own on its held-out rows.",
    )


class MonitorWindow(Model):
    length: WindowLength = Field("10m", description="How long a window is; each is looked at once, when it has ended.")
    min_rows: int = Field(
        200, ge=1, le=1000000, description="Rows without which a window is not judged, but called TooFewRows."
    )


class FalseAlarms(Model):
    per_week: float = Field(
        0.1,
        ge=0.001,
        le=100,
        description="How many alarms a week may be raised, on average, although nothing has shifted: of the whole "
        "monitor, all columns and all windows together. The limit of each column follows from it.",
    )


MinShift = Annotated[float, Field(ge=0, le=1)]


class MonitorInputs(Model):
    min_shift: MinShift = Field(
        0.1,
        description="Smaller shifts are never an alarm, however sure they are. A shift is the greatest difference of "
        "the shares of rows up to any number, or of any set of categories: 0 to 1.",
    )
    exclude: list[ColumnName] = Field(
        default_factory=list, max_length=100, description="Inputs that are not compared, for example an id or a date."
    )


class MonitorOutputs(Model):
    min_shift: MinShift = Field(0.1, description="Smaller shifts are never an alarm, however sure they are.")


class ModelMonitorSpec(Model):
    deployment_ref: ObjectRef = Field(description="The ModelDeployment whose stable version is watched.")
    reference: MonitorReference = Field(
        default_factory=MonitorReference, description="What is compared with [the served version's own data]."
    )
    window: MonitorWindow = Field(default_factory=lambda: MonitorWindow(), description="What is judged at once.")
    false_alarms: FalseAlarms = Field(
        default_factory=lambda: FalseAlarms(),
        description="How often it may be wrong; what it can find follows from it.",
    )
    inputs: MonitorInputs = Field(default_factory=lambda: MonitorInputs(), description="What the model is asked.")
    outputs: MonitorOutputs = Field(default_factory=lambda: MonitorOutputs(), description="What the model answers.")
    suspend: bool = Field(False, description="True: it doesn't look.")


class SeenWindow(Model):
    start: Time = Field(alias="from", description="When the window began.")
    end: Time = Field(alias="to", description="When it ended.")
    rows: Count = Field(0, description="Rows that the servers answered in it, without those of lost pods.")
    pods: Count = Field(0, description="Pods that told what they saw in it.")
    lost: Count = Field(
        0, description="Pods that restarted, ended or did not answer, so that rows of the window are missing."
    )


class MovedColumn(Model):
    name: str = Field(max_length=512, description="The input, the output, or the probability of one class.")
    role: Literal["Input", "Output"] = Field(description="Input or Output.")
    shift: float = Field(description="How far it has moved: 0 to 1.")
    proven: bool = Field(description="Whether that is more than chance, and than minShift.")
    limit: float = Field(description="The shift above which it is proven.")
    was: str = Field(max_length=64, description="What it was in the reference.")
    now: str = Field(alias="is", max_length=64, description="What it is in the window.")


class ModelMonitorStatus(Status):
    model_version: StatusName | None = Field(None, description="The ModelVersion that was looked at last.")
    reference: StatusName | None = Field(None, description="The DatasetVersion that its inputs are compared with.")
    window: SeenWindow | None = Field(None, description="The window that was looked at last.")
    looks: Count = Field(0, description="Windows that were looked at.")
    alarms: Count = Field(0, description="Those of them in which a shift was proven.")
    missed: Count = Field(0, description="Windows that nobody looked at, because the operator was away or late.")
    columns: list[MovedColumn] = Field(
        default_factory=list,
        max_length=SHOWN_COLUMNS,
        description="The columns of the last judged window that have moved most, compared with their limits.",
    )
    pods: list[StatusName] = Field(
        default_factory=list, max_length=MOST_PODS, description="The pods that were asked last, the first hundred."
    )


class ModelMonitor(Kind):
    """Watch a served model: whether what it is asked and answers still is what it learned from."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelMonitor",
        plural="modelmonitors",
        short="mmon",
        refers=(
            Reference(".spec.deploymentRef.name", "ModelDeployment"),
            Reference(".spec.reference.datasetVersion", "DatasetVersion"),
        ),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Inputs", ".status.conditions[?(@.type=='InputsStable')].reason"),
            Column("Outputs", ".status.conditions[?(@.type=='OutputsStable')].reason"),
            Column("Deployment", ".spec.deploymentRef.name"),
            Column("Rows", ".status.window.rows", "integer"),
            Column("Looks", ".status.looks", "integer"),
            Column("Alarms", ".status.alarms", "integer"),
            Column("Suspended", ".spec.suspend", "boolean", priority=1),
            Column("Reference", ".status.reference", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("window_rows", ".status.window.rows", "Rows of the window that was looked at last."),
            Figure("window_end", ".status.window.to", "When that window ended, in Unix seconds."),
            Figure("lost_pods", ".status.window.lost", "Pods that have lost rows of that window."),
            Figure("looks", ".status.looks", "Windows that were looked at."),
            Figure("alarms", ".status.alarms", "Windows in which a shift was proven."),
            Figure("missed", ".status.missed", "Windows that nobody looked at."),
            Figure("shift", ".status.columns.shift", "How far a column has moved, from 0 to 1.", by=_BY),
            Figure("shift_limit", ".status.columns.limit", "The shift above which it is an alarm.", by=_BY),
        ),
    )

    spec: ModelMonitorSpec = Field(description="What is watched, and how sure an alarm must be.")
    status: ModelMonitorStatus = Field(default_factory=ModelMonitorStatus, description="What was seen last.")
