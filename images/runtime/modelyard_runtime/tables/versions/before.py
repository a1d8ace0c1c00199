"""The version before, with which a new one is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard_api.fields.artifact import PROFILE_JSON
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import Change, VersionColumn, Violation
from modelyard_api.wire.sketches import NotSketches, Sketches, read
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.versions.rules.changes import changes, unexpected
from modelyard_runtime.tables.versions.rules.shift import shifted


@dataclass(frozen=True)
class Before:
    """``profile`` is None if it is not needed, or gone."""

    columns: Sequence[VersionColumn]
    profile: Sketches | None = None

    @classmethod
    def at(cls, store: ArtifactStore, uri: str, columns: Sequence[VersionColumn], spec: DatasetSpec) -> Before:
        """Returns the version in this folder of the store. Raises Unavailable."""
        if spec.validation.max_shift is None:
            return cls(columns)
        data = store.get(f"{uri}/{PROFILE_JSON}")
        try:
            return cls(columns, read(data) if data is not None else None)
        except NotSketches as error:
            say(f"{uri}/{PROFILE_JSON}: {error}")
            return cls(columns)

    def compared(
        self, now: Sequence[VersionColumn], profile: bytes, spec: DatasetSpec
    ) -> tuple[list[Change], list[Violation]]:
        """Returns what has changed in the columns, and the rules that this breaks."""
        found = changes(now, self.columns)
        violations = unexpected(found, spec)
        if spec.validation.max_shift is not None:
            violations += self._shifted(read(profile), spec.validation.max_shift.value)
        return found, violations

    def _shifted(self, now: Sketches, limit: float) -> list[Violation]:
        if self.profile is not None:
            return shifted(now, self.profile, limit)
        rule = f"validation.maxShift {limit:g}"
        found = "the profile of the version before is gone: delete that version, or leave the rule out"
        return [Violation(rule=rule, found=found)]
