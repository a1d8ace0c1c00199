"""Model: a named model with its gates, its champion and its promotion history."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import NAME_RULE, Kind, Model, Time, rule, rules
from modelyard_api.fields.facts import Column, Figure, KindInfo
from modelyard_api.fields.metrics import Metric, Task, metrics_of
from modelyard_api.fields.status import Status


class Gate(Model):
    """A threshold on a held-out metric; it must hold before a version may become champion."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.min) || has(self.max)", "write min, max or both"),
            rule("!(has(self.min) && has(self.max)) || self.min <= self.max", "min must not be greater than max"),
        )
    )

    name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="Its name.")
    metric: Metric = Field(description="The metric, on the held-out rows.")
    min: float | None = Field(None, description="The smallest value that passes.")
    max: float | None = Field(None, description="The greatest value that passes.")


class NoWorseThanChampion(Model):
    """The gate for a challenger: on its own held-out rows it must not be worse than the champion."""

    enabled: bool = Field(True, description="False: a challenger may be worse than the champion.")
    metric: Metric | None = Field(
        None,
        description="The metric by which both are compared [balanced_accuracy, or root_mean_squared_error for "
        "Regression].",
    )
    tolerance: float = Field(
        0.02,
        ge=0,
        le=1,
        description="How much worse it may be, as a share of the champion's value: with 0.02 a champion of 0.90 is "
        "followed by 0.882 or more.",
    )


class Pin(Model):
    version: int = Field(ge=1, description="The number of the version.")


def _fits(task: str) -> tuple[dict[str, str], ...]:
    names = metrics_of(task)
    allowed, listed = ", ".join(f"'{name}'" for name in names), ", ".join(names)
    return (
        rule(
            f"self.task != '{task}' || self.gates.all(gate, gate.metric in [{allowed}])",
            f"a gate's metric must fit task {task}: one of {listed}",
            ".gates",
        ),
        rule(
            f"self.task != '{task}' || !has(self.noWorseThanChampion) || !has(self.noWorseThanChampion.metric) || "
            f"self.noWorseThanChampion.metric in [{allowed}]",
            f"the metric of noWorseThanChampion must fit task {task}: one of {listed}",
            ".noWorseThanChampion.metric",
        ),
    )


class ModelSpec(Model):
    model_config = ConfigDict(json_schema_extra=rules(*_fits(Task.CLASSIFICATION), *_fits(Task.REGRESSION)))

    task: Annotated[
        Task, Field(json_schema_extra=rules(rule("self == oldSelf", "task is immutable; make another Model instead")))
    ] = Field(description="Classification or Regression.")
    gates: Annotated[
        list[Gate],
        Field(
            max_length=32, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = Field(default_factory=list, description="All must hold before a version may become champion.")
    no_worse_than_champion: NoWorseThanChampion = Field(
        default_factory=NoWorseThanChampion,
        description="A gate for versions newer than the champion, which every Model has: compare the two on the newer "
        "one's held-out rows.",
    )
    promotion: Literal["Manual", "Automatic"] = Field(
        "Manual",
        description="Automatic: a newer version that passes all gates, and has the champion's inputs, outputs and "
        "classes, becomes champion. Manual: only pin does.",
    )
    pin: Pin | None = Field(None, description="This version is champion whatever the gates say.")


class Alias(Model):
    name: str = Field(max_length=63, description="champion or challenger.")
    version: int = Field(ge=1, description="The number of the version.")


class Promotion(Model):
    version: int = Field(ge=1, description="The version that became champion.")
    previous: int | None = Field(None, description="The champion before.")
    time: Time = Field(description="When.")
    by: Literal["Gates", "Pin"] = Field(description="What made it champion.")
    evidence: str = Field(max_length=71, description="Digest of the gates' results and the metrics that they read.")


class Registering(Model):
    """The number given to a finished run, kept until its ModelVersion exists."""

    run: str = Field(max_length=253, description="The run.")
    uid: str = Field(max_length=64, description="Its uid.")
    number: int = Field(ge=1, description="The number of the version that is being made.")


class ModelStatus(Status):
    champion: int | None = Field(None, description="The number of the version that is champion.")
    aliases: list[Alias] = Field(default_factory=list, max_length=8, description="Names that move between versions.")
    versions: int = Field(0, description="How many versions there are.")
    last_number: int = Field(0, description="The greatest number that was given.")
    registering: Registering | None = Field(None, description="The version that is being made.")
    promotions: list[Promotion] = Field(default_factory=list, max_length=20, description="The last promotions.")


class ModelKind(Kind):
    """A named model: gates, champion and promotion history."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Model",
        plural="models",
        short="mdl",
        owns=("ModelVersion",),
        operator=("patch",),
        rules=(NAME_RULE,),
        columns=(
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Task", ".spec.task"),
            Column("Champion", ".status.champion", "integer"),
            Column("Versions", ".status.versions", "integer"),
            Column("Promotion", ".spec.promotion"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        figures=(
            Figure("versions", ".status.versions", "Its versions that exist."),
            Figure("champion_version", ".status.champion", "The number of its champion."),
        ),
    )

    spec: ModelSpec = Field(description="What the model must be like.")
    status: ModelStatus = Field(default_factory=ModelStatus, description="Its versions and its champion.")
