"""Makes a version of a typed table that is seen once: its digest, its verdict by the Dataset's rules, its two parts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import PROFILE_JSON, TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.doubts import Doubt, bounded
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import MAX_CHANGES, StoredFile, VersionColumn, Violation
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.report import kept as report
from modelyard_runtime.tables.versions import profile, target
from modelyard_runtime.tables.versions.before import Before, compared
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.describe import Description
from modelyard_runtime.tables.versions.digest import TableDigest
from modelyard_runtime.tables.versions.identity import version_id
from modelyard_runtime.tables.versions.material import Sample, material_of
from modelyard_runtime.tables.versions.rules.rules import Rules
from modelyard_runtime.tables.versions.split import Parts
from modelyard_runtime.tables.versions.stored import keep

MOST_VIOLATIONS = 20


class Story(NamedTuple):
    """What is known of a table beside its rows: ``doubts`` are those of reading and typing."""

    dataset: str
    before: Before | None = None
    doubts: Sequence[Doubt] = ()


class NewVersion:
    """Takes the rows of a table in their order, and then stores it as a version.

    Files lie in a folder of the pod's volume until ``close``: about as many bytes as the typed rows have in Parquet,
    and as many again, uncompressed but for LZ4, of rows that wait for their side of the split.
    """

    def __init__(self, schema: pa.Schema, spec: DatasetSpec) -> None:
        """Raises UserError if the split or the rules don't fit the columns."""
        self._spec = spec
        self._temporary = tempfile.TemporaryDirectory(prefix="version-")
        folder = Path(self._temporary.name)
        self._digest, self._profile = TableDigest(schema), profile.ProfileFold(schema)
        self._description = Description(schema)
        self._rules, self._parts = Rules(spec, schema, folder), Parts(folder, schema, spec)
        self._sample, self._example = Sample(schema), None
        self.schema, self.rows, self.dropped = schema, 0, 0

    @property
    def seen(self) -> int:
        """How many rows were given, with those that were dropped."""
        return self.rows + self.dropped

    def add(self, chunk: Chunk) -> None:
        """Takes the next rows, and drops those without a target. Raises UserError."""
        if self._spec.target is not None:
            chunk, dropped = chunk.with_values(self._spec.target)
            self.dropped += dropped
        if not len(chunk):
            return
        if not self.rows and self._spec.target is not None:
            self._example = chunk.column(self._spec.target)[0].as_py()
        self.rows += len(chunk)
        for fold in (self._description, self._profile, self._rules, self._parts, self._sample):
            fold.update(chunk)
        self._digest.update(chunk.rows)

    def end(
        self,
        store: ArtifactStore,
        base_uri: str,
        columns: Sequence[VersionColumn],
        story: Story,
        violations: Iterable[Violation] = (),
    ) -> dict[str, Any]:
        """Writes both parts of the table, its profile and its report below ``base_uri``; returns the fields of its
        TableResult.

        ``columns`` have the types, of which ``violations`` are. Raises UserError, and Unavailable.
        """
        types = {column.name: column.type for column in columns}
        if self._spec.target is not None:
            name = self._spec.target
            target.check(name, types[name], self.rows, self._description.distinct(name), self._example)
        described = self._description.end(columns)
        self._parts.end()
        digest = self._digest.end(types)
        sketches = self._profile.columns(types)
        document = profile.document(sketches, self.rows, digest)
        changes, by_before = compared(story.before, described, document, self._spec)
        unusable = self._rules.unusable()
        broken = [*violations, *self._rules.end(described, self.rows, self.dropped, self._again)]
        every = [*unusable, *by_before, *broken]
        undecided = [f"{item.column} {item.rule}" for item in (*by_before, *broken) if _is_of_source(item, self._spec)]
        id_ = version_id(digest, types, self._spec, undecided)
        uri = f"{base_uri}/{id_}"
        files = [self._stored(store, uri, part) for part in (TRAIN_PARQUET, TEST_PARQUET)]
        store.put_first(f"{uri}/{PROFILE_JSON}", document)
        accepted = not unusable and (not every or self._spec.validation.on_failure == "Warn")
        say(f"version {id_[:10]}: {'accepted' if accepted else 'rejected'}, {len(every)} rules broken")
        fields: dict[str, Any] = {
            "accepted": accepted,
            "version_id": id_,
            "uri": uri,
            "digest": digest,
            "rows": self.rows,
            "test_rows": self._parts.test.rows,
            "bytes": sum(part.path.stat().st_size for part in self._parts.both),
            "files": files,
            "target": self._spec.target,
            "key": list(self._spec.key),
            "columns": described,
            "dropped_rows": self.dropped,
            "changes": changes[:MAX_CHANGES],
            "violations": every[:MOST_VIOLATIONS],
            "doubts": bounded([*story.doubts, *self._parts.doubts()]),
            "profile": True,
        }
        material = partial(material_of, fields, story.dataset, sketches, self._sample.table(), story.before)
        problem = report.keep(uri, material, store.put_first)
        return fields | {"report": problem is None, "report_problem": problem}

    def close(self) -> None:
        """Deletes what lies on the pod's volume."""
        self._parts.close()
        self._temporary.cleanup()

    def _stored(self, store: ArtifactStore, uri: str, name: str) -> StoredFile:
        path = Path(self._temporary.name) / name
        return StoredFile(name=name, digest=keep(store, f"{uri}/{name}", path))

    def _again(self) -> Iterator[pa.RecordBatch]:
        for part in self._parts.both:
            with pq.ParquetFile(part.path) as file:
                yield from file.iter_batches()


def _is_of_source(violation: Violation, spec: DatasetSpec) -> bool:
    """Whether neither the rows nor the declaration decide on this rule: see ``version_id``."""
    rule = violation.rule.split()[0]
    by_target = violation.column == spec.target and rule == "maxMissing"
    return by_target or rule in ("validation.maxDropped", "validation.maxShift", "columnChanges")
