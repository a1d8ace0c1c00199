"""Defines how a kind describes the Job that does its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from modelyard.engine.resource import Object
from modelyard.workload.run.failures import SPEC, Fields
from modelyard_api.fields.base import Kind, Model
from modelyard_api.fields.pods import RunPolicy

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class Run(Generic[R]):
    """A kind's description of its Job.

    ``expects`` is the type of result that the program writes to ``result_uri`` on success. ``attempts`` is the number
    in the status. ``fields`` names the fields that a person may change about the pods. ``grace_seconds`` is the time
    that a stopped pod has to end in. ``try_again`` ends the message about a run that failed for no known reason, and
    says what to do. ``was_running`` says that the status tells of a running pod: a pod that is not ready any more has
    then ended, and isn't waited for.
    """

    expects: type[R]
    result_uri: str
    policy: RunPolicy
    attempts: int = 0
    fields: Fields = SPEC
    grace_seconds: int = 30
    try_again: str = ""
    was_running: bool = False

    @property
    def is_own_container(self) -> bool:
        """Whether the user's own container runs. After it failed or was stopped, our helper may have collected half a
        model, so such a result counts only if the Job succeeded."""
        return self.fields.own_image is not None


def was_running(obj: Object, kind: type[Kind]) -> bool:
    """Returns whether the object's conditions tell that a pod of its Job runs."""
    assert kind.info.runs is not None
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(item["reason"] == kind.info.runs.under_way for item in conditions)
