"""The version before, with which a new one is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from modelyard_api.fields.artifact import PROFILE_JSON, RESULT_JSON
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import Change, VersionColumn, Violation
from modelyard_api.wire.sketches import NotSketches, Sketches, read
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.versions.rules.changes import changes, unexpected
from modelyard_runtime.tables.versions.rules.shift import shifted


class Before(NamedTuple):
    """``profile`` is None if it is gone, or of another release."""

    name: str
    columns: Sequence[VersionColumn]
    profile: Sketches | None


def recalled(store: ArtifactStore, previous: Previous | None) -> Previous | None:
    """Returns the version before with its columns, which lie beside its rows if they are too many for a task. Raises
    Unavailable."""
    if previous is None or previous.columns:
        return previous
    result = store.get_json(f"{previous.uri}/{RESULT_JSON}") or {}
    columns = [VersionColumn.model_validate(column) for column in result.get("columns", ())]
    return previous.model_copy(update={"columns": columns})


def before(store: ArtifactStore, previous: Previous | None) -> Before | None:
    """Returns the version before with its profile. Raises Unavailable."""
    if previous is None:
        return None
    data = store.get(f"{previous.uri}/{PROFILE_JSON}")
    try:
        profile = read(data) if data is not None else None
    except NotSketches as error:
        say(f"the profile of {previous.name}: {error}")
        profile = None
    return Before(previous.name, previous.columns, profile)


def compared(
    was: Before | None, now: Sequence[VersionColumn], profile: bytes, spec: DatasetSpec
) -> tuple[list[Change], list[Violation]]:
    """Returns what has changed in the columns since the version before, and the rules that this breaks."""
    if was is None:
        return [], []
    found = changes(now, was.columns)
    violations = unexpected(found, spec)
    if spec.validation.max_shift is not None:
        violations += _shifted(was, read(profile), spec.validation.max_shift.value)
    return found, violations


def _shifted(was: Before, now: Sketches, limit: float) -> list[Violation]:
    if was.profile is not None:
        return shifted(now, was.profile, limit)
    found = f"the profile of {was.name} can't be read: delete that version, or leave the rule out"
    return [Violation(rule=f"validation.maxShift {limit:g}", found=found)]
