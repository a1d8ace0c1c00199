"""Recognizes an existing Job after a status was lost or never written, by the task in the Job itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from modelyard.engine.conditions import parse_time
from modelyard.engine.resource import Object
from modelyard_api.fields.artifact import is_of
from modelyard_api.fields.status import RunStatus
from modelyard_api.wire.task import ANNOTATION, Common

S = TypeVar("S", bound=RunStatus)
T = TypeVar("T", bound=Common)

MIN_AGE_OF_LOST_STATUS = timedelta(seconds=30)
"""A younger run can't have lost its status, so the store isn't asked whether it has a result already."""


def may_have_lost_its_status(raw: Object, now: datetime) -> bool:
    created = raw["metadata"].get("creationTimestamp")
    return not created or now - parse_time(created) >= MIN_AGE_OF_LOST_STATUS


def task_of(job: Object, kind: type[T]) -> T | None:
    """Returns the task that a Job holds, or None if it holds none of this kind, as one of another release may."""
    document = (job["spec"]["template"]["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        return None if document is None else kind.model_validate_json(document)
    except ValidationError:
        return None


def adopted(status: S, job: Object, kind: type[T], known: Callable[[T], Mapping[str, Any]]) -> S | None:
    """Returns the lost status of a run that has a Job, or None if the Job has no task.

    ``known`` returns the fields of the kind's own that the task tells.
    """
    task = task_of(job, kind)
    if task is None:
        return None
    metadata = job["metadata"]
    update = {"job": metadata["name"], "start_time": metadata["creationTimestamp"], **known(task)}
    # Anybody may write a Job's annotation, so a result of another namespace doesn't count.
    if is_of(metadata["namespace"], task.result_uri):
        update["result_uri"] = task.result_uri
    return status.model_copy(update=update)
