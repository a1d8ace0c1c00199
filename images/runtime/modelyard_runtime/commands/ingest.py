"""``ingest``: turns a source into an immutable, checked version with a digest, typed columns and Parquet files."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import RESULT_JSON
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import CREDENTIALS_FOLDER, SOURCE_FOLDER, IngestTask
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.columns import typed
from modelyard_runtime.tables.reading.reading import Reading
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.source import open_source
from modelyard_runtime.tables.stored import keep
from modelyard_runtime.tables.version import Part, versioned

MOST_COLUMNS = 1000


def ingest(
    task: IngestTask,
    store: ArtifactStore,
    root: Path = Path(SOURCE_FOLDER),
    credentials: Path = Path(CREDENTIALS_FOLDER),
) -> IngestResult | LookResult:
    """Reads, checks, splits and writes the data, if any is new. Raises UserError for an error that the user must fix,
    and Retriable."""
    spec = task.spec
    opened = open_source(task, store, root, Keys(credentials))
    if isinstance(opened, LookResult):
        return opened
    reading = opened.reading
    raw, text = _whole(reading), reading.text
    say(f"read {len(raw)} rows, {raw.num_columns} columns")
    whole, types = typed(_columns(raw, spec), spec.columns, text)
    if earlier := list(opened.before(store, whole.schema)):
        whole = pa.concat_tables([pa.Table.from_batches(earlier), whole])
    table, lost = _with_target(whole, spec)

    def write(uri: str, mask: pa.Array) -> Part:
        part = parquet(table.filter(mask))
        return Part(len(part), _stored(store, uri, part))

    result = IngestResult(
        **versioned(table, types, spec, lost, task.base_uri, write, store.put_first, task.subject.name)
    )
    store.put_json_first(f"{result.uri}/{RESULT_JSON}", result.wire())
    return result.model_copy(update=opened.kept(store, task))


def _whole(reading: Reading) -> pa.Table:
    """Returns all rows, in which the words that count as missing are null. Raises UserError."""
    tables = [pa.Table.from_batches([batch.rows]) for batch in reading.batches()]
    tables = tables or [pa.table({name: pa.array([], pa.string()) for name in reading.names})]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        message = f"the files have columns of different types: {str(error).splitlines()[0]}"
        raise UserError("ColumnsDiffer", message, "spec.source") from error
    if not reading.text:
        return table
    words = pa.array(reading.missing)
    columns = [
        pc.if_else(pc.is_in(column, words), pa.scalar(None, pa.string()), column) for column in table.itercolumns()
    ]
    return pa.table(columns, names=table.column_names)


def _stored(store: ArtifactStore, uri: str, part: bytes) -> str:
    """Writes a file of a version, and returns the digest of what is there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / uri.rpartition("/")[2]
        path.write_bytes(part)
        return keep(store, uri, path)


def parquet(table: pa.Table) -> bytes:
    """Returns the table as Parquet: the same rows give the same bytes with the same library."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", use_dictionary=False, store_schema=False)
    return out.getvalue()


def _columns(table: pa.Table, spec: DatasetSpec) -> pa.Table:
    """Returns the table without the ignored columns. Raises UserError unless it has rows, columns and the target that
    the spec names, if it does."""
    if spec.target is not None and spec.target not in table.column_names:
        raise UserError("TargetNotFound", one_of(spec.target, table.column_names), "spec.target")
    unknown = [name for name in spec.ignore if name not in table.column_names]
    if unknown:
        raise UserError("ColumnNotFound", one_of(unknown[0], table.column_names), "spec.ignore")
    kept = table.drop_columns(list(spec.ignore)) if spec.ignore else table
    if kept.num_columns < (1 if spec.target is None else 2):
        other = "" if spec.target is None else " but the target"
        raise UserError("NoFeatures", f"there is no column{other}; bring columns to learn from", "spec.ignore")
    if kept.num_columns > MOST_COLUMNS:
        message = f"there are {kept.num_columns} columns; at most {MOST_COLUMNS} are allowed. Name those to drop here"
        raise UserError("TooManyColumns", message, "spec.ignore")
    if not len(kept):
        least = "one is needed" if spec.target is None else "two with different targets are needed"
        message = f"the table has no rows; at least {least}"
        raise UserError("EmptyTable", message, "spec.source")
    return kept


def _with_target(whole: pa.Table, spec: DatasetSpec) -> tuple[pa.Table, float]:
    """Returns the rows that have a target, and the share of those that have none."""
    if spec.target is None:
        return whole, 0.0
    table = whole.filter(pc.is_valid(whole[spec.target]))
    return table, whole[spec.target].null_count / len(whole)
