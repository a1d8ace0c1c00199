"""How a Job is found again after a status was lost or never written: it says itself what it was made from."""

from __future__ import annotations

from typing import TypeVar

from modelyard.engine.resource import Object
from modelyard_api.wire.task import ANNOTATION, Common

T = TypeVar("T", bound=Common)


def task_of(job: Object, kind: type[T]) -> T | None:
    """The task that a Job was made from; None for one that holds none. Raises ValidationError for another task's."""
    document = (job["spec"]["template"]["metadata"].get("annotations") or {}).get(ANNOTATION)
    return None if document is None else kind.model_validate_json(document)
