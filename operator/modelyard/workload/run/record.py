"""An annotation with the status of a run that has ended, so that a run from a backup is not run again.

A backup keeps neither uid nor status. The annotation is written once, after the end. It counts only for the run of this
name and this spec: a copy under another name, or with another spec, is another run.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Patch
from modelyard.engine.resource import Object, Resource
from modelyard.workload.conclude import Step
from modelyard.workload.names import short_hash
from modelyard_api.fields.artifact import canonical, is_of
from modelyard_api.fields.base import Model
from modelyard_api.fields.status import Phase, Status
from modelyard_api.kinds.trainingrun import OUTCOME

S = TypeVar("S", bound=Status)


def digest(spec: Model, decides: set[str]) -> str:
    """Returns a digest of the fields that decide what a run does; without defaults, so that a release may add some."""
    fields = spec.model_dump(mode="json", by_alias=True, include=decides, exclude_defaults=True, exclude_none=True)
    return short_hash(canonical(fields).decode(), length=16)


def writes(resource: Resource, raw: Object, spec: str) -> tuple[Patch, ...]:
    """Returns the patch that records the end of a run, unless it is recorded, or the run never started.

    ``spec`` is the digest of its spec.
    """
    meta, status = raw["metadata"], raw.get("status") or {}
    if not status.get("startTime") or _known(raw, spec) is not None:
        return ()
    kept = {key: value for key, value in status.items() if key != "observedGeneration"}
    text = json.dumps({"run": meta["name"], "spec": spec, "status": kept}, separators=(",", ":"), ensure_ascii=False)
    body = {"metadata": {"annotations": {OUTCOME: text}}}
    return (Patch(resource, meta["namespace"], meta["name"], meta["uid"], body),)


def ended(raw: Object, spec: str, kind: type[S]) -> Step | None:
    """Returns the end of a run that has lost its status, as its annotation tells it, or None."""
    known = _known(raw, spec)
    try:
        status = kind.model_validate(known) if known is not None else None
    except ValidationError:
        return None
    if status is None:
        return None
    conditions = tuple(
        Condition(item.type, item.status == "True", item.reason, item.message) for item in status.conditions
    )
    return Step(status, conditions)


def _known(raw: Object, spec: str) -> Any | None:
    """Returns the status in the annotation, None if it isn't of this run and its end.

    Anybody may write an annotation, so one whose result is another namespace's doesn't count: the result would be told.
    """
    meta = raw["metadata"]
    try:
        record = json.loads((meta.get("annotations") or {}).get(OUTCOME) or "null")
        if not record or (record["run"], record["spec"]) != (meta["name"], spec):
            return None
        status = record["status"]
        uri, has_ended = status.get("resultURI"), status["phase"] in (Phase.SUCCEEDED, Phase.FAILED)
        return status if has_ended and (uri is None or is_of(meta["namespace"], uri)) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
