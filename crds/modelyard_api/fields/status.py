"""The fields of every status: the observed generation, and conditions by the kstatus rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.base import Kind, Model, StatusName, StatusURL, Time


class Condition(Model):
    type: str = Field(max_length=316, description="What the condition is about, for example Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(min_length=1, max_length=1024, description="Why, in one CamelCase word.")
    message: str = Field(max_length=32768, description="Why, and what to do next, for people.")
    observed_generation: int | None = Field(
        None, ge=0, description="The generation of the spec that this condition was found for."
    )
    last_transition_time: Time = Field(description="When the condition last changed its status.")


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description="What holds for the object now; Ready, Reconciling and Stalled follow the kstatus rules.",
    ),
]


class Status(Model):
    observed_generation: int = Field(
        -1, ge=-1, description="The generation that this status speaks of; -1: no controller has looked at the object."
    )
    conditions: Conditions = Field(default_factory=list)

    def condition(self, type_: str) -> Condition | None:
        return next((item for item in self.conditions if item.type == type_), None)


class Inputs(Model):
    """What a run resolved when it started; it stays so to its end."""

    dataset_version: StatusName | None = Field(None, description="The DatasetVersion that is read.")
    model_version: StatusName | None = Field(None, description="The ModelVersion that is used.")
    image: str | None = Field(None, max_length=512, description="The image of the pod.")


class Outputs(Model):
    """Stable names that a later step can read."""

    dataset_version: StatusName | None = Field(None, description="The dataset version that was used or made.")
    model_version: StatusName | None = Field(None, description="The model version that was registered.")


class Phase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUSPENDED = "Suspended"


class Progress(Model):
    """How far something is that ends."""

    percent: int = Field(ge=0, le=100, description="The share that is done.")
    message: str = Field(max_length=256, description="The same in words.")


class RunStatus(Status):
    """The status of a kind that runs to completion."""

    phase: Phase | None = Field(None, description="Pending, Running, Succeeded, Failed or Suspended.")
    job: StatusName | None = Field(None, description="The Job.")
    result_uri: StatusURL | None = Field(None, description="Where the pod writes its result.")
    attempts: int = Field(0, description="How many pods were started.")
    start_time: Time | None = Field(None, description="When it started.")
    completion_time: Time | None = Field(None, description="When it ended.")


def is_run(kind: type[Kind]) -> bool:
    """Returns whether objects of this kind run to completion."""
    status = kind.model_fields["status"].annotation
    return isinstance(status, type) and issubclass(status, RunStatus)
