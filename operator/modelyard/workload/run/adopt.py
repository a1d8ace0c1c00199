"""Recognizes an existing Job after a status was lost or never written, by the task in the Job itself."""

from __future__ import annotations

from typing import TypeVar

from modelyard.engine.resource import Object
from modelyard_api.wire.task import ANNOTATION, Common

T = TypeVar("T", bound=Common)


def task_of(job: Object, kind: type[T]) -> T | None:
    """Returns the task that a Job holds, or None. Raises ValidationError if it is not a task of this kind."""
    document = (job["spec"]["template"]["metadata"].get("annotations") or {}).get(ANNOTATION)
    return None if document is None else kind.model_validate_json(document)
