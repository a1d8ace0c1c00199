"""``ingest``: turns a source into an immutable, checked version with a digest, typed columns and Parquet files."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import RESULT_JSON, TEST_PARQUET, TRAIN_PARQUET, sha256
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import StoredFile
from modelyard_api.wire.result import IngestResult
from modelyard_api.wire.task import SOURCE_FOLDER, IngestTask
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.columns import describe, typed
from modelyard_runtime.tables.digest import content_digest, version_id
from modelyard_runtime.tables.read import read_source
from modelyard_runtime.tables.split import held_out
from modelyard_runtime.tables.validate import not_finite, validate

MOST_COLUMNS = 1000


def ingest(task: IngestTask, store: ArtifactStore, root: Path = Path(SOURCE_FOLDER)) -> IngestResult:
    """Reads, checks, splits and writes the data. Raises UserError for an error that the user must fix."""
    spec = task.spec
    raw, text = read_source(root, task.source, spec.source.format)
    say(f"read {len(raw)} rows, {raw.num_columns} columns")
    whole, types = typed(_columns(raw, spec), spec.columns, text)
    table = whole.filter(pc.is_valid(whole[spec.target]))
    _check_target(table, types, spec)
    digest = content_digest(table, types)
    lost = whole[spec.target].null_count / len(whole)
    id_ = version_id(digest, types, spec, lost)
    uri = f"{task.base_uri}/{id_}"
    unusable = not_finite(table)
    violations = [*unusable, *validate(table, spec, lost)]
    mask = pa.array(held_out(table[spec.target], spec.split, types[spec.target]))
    train, test = parquet(table.filter(pc.invert(mask))), parquet(table.filter(mask))
    files = _stored(store, uri, {TRAIN_PARQUET: train, TEST_PARQUET: test})
    result = IngestResult(
        accepted=not unusable and (not violations or spec.validation.on_failure == "Warn"),
        version_id=id_,
        uri=uri,
        digest=digest,
        rows=len(table),
        test_rows=pc.sum(mask).as_py(),
        bytes=len(train) + len(test),
        files=files,
        target=spec.target,
        columns=describe(table, types),
        violations=violations[:20],
    )
    store.put_json(f"{uri}/{RESULT_JSON}", result.wire())
    say(f"version {id_[:10]}: {'accepted' if result.accepted else 'rejected'}, {len(violations)} rules broken")
    return result


def _stored(store: ArtifactStore, uri: str, parts: dict[str, bytes]) -> list[StoredFile]:
    """Writes the files of a version, and returns their digests.

    Another release of the libraries writes the same rows as other bytes. A version never changes, so those that an
    earlier ingest left stay.
    """
    earlier = store.get_json(f"{uri}/{RESULT_JSON}") or {}
    known = {file["name"]: file["digest"] for file in earlier.get("files", ())}
    files = []
    for name, part in parts.items():
        digest = known.get(name, sha256(part))
        if digest == sha256(part) or sha256(store.get(f"{uri}/{name}") or b"") != digest:
            digest = sha256(part)
            store.put(f"{uri}/{name}", part)
        files.append(StoredFile(name=name, digest=digest))
    return files


def parquet(table: pa.Table) -> bytes:
    """Returns the table as Parquet: the same rows give the same bytes with the same library."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", use_dictionary=False, store_schema=False)
    return out.getvalue()


def _columns(table: pa.Table, spec: DatasetSpec) -> pa.Table:
    """Returns the table without the ignored columns. Raises UserError unless it has a target, features and rows."""
    if spec.target not in table.column_names:
        raise UserError("TargetNotFound", one_of(spec.target, table.column_names), "spec.target")
    unknown = [name for name in spec.ignore if name not in table.column_names]
    if unknown:
        raise UserError("ColumnNotFound", one_of(unknown[0], table.column_names), "spec.ignore")
    kept = table.drop_columns(list(spec.ignore)) if spec.ignore else table
    if kept.num_columns < 2:
        raise UserError("NoFeatures", "there is no column but the target; bring columns to learn from", "spec.ignore")
    if kept.num_columns > MOST_COLUMNS:
        message = f"there are {kept.num_columns} columns; at most {MOST_COLUMNS} are allowed. Name those to drop here"
        raise UserError("TooManyColumns", message, "spec.ignore")
    if not len(kept):
        message = "the table has no rows; at least two with different targets are needed"
        raise UserError("EmptyTable", message, "spec.source")
    return kept


def _check_target(table: pa.Table, types: dict[str, str], spec: DatasetSpec) -> None:
    if not len(table):
        message = f"no row has a value in the target column {spec.target!r}; bring rows that do, or name another column"
        raise UserError("EmptyTable", message, "spec.target")
    values = pc.unique(table[spec.target])
    if len(values) < 2:
        message = f"the target has one value alone, {values[0].as_py()!r}; a model needs at least two"
        raise UserError("SingleClass", message, "spec.target")
    if types[spec.target] == "Category" and len(values) > 1000:
        message = f"the target has {len(values)} classes; at most 1000 are allowed. Is it an identifier?"
        raise UserError("TooManyClasses", message, "spec.target")
