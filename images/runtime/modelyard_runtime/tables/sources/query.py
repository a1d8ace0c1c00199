"""Rows of a DuckDB query over versions of other Datasets: DuckDB may read their files, and nothing else in the pod."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from modelyard_api.fields.sources import QuerySource
from modelyard_api.wire.task import Input
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.sources.fetch import Budget
from modelyard_runtime.tables.sources.patience import patience, too_long
from modelyard_runtime.tables.sources.seconds import seconds_of
from modelyard_runtime.tables.sources.spool import Spool

SQL = "spec.source.query.sql"
DEFAULT_SECONDS, THREADS, ROWS = 1800.0, 2, 16384
LEAST_MEMORY, USUAL_MEMORY = 64 * 2**20, 512 * 2**20
_EXTENSIONS = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")
_CGROUP = Path("/sys/fs/cgroup/memory.max")
_WRITES = ("COPY", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "ATTACH", "EXPORT", "MERGE_INTO")


def spooled(source: QuerySource, inputs: list[Input], store: ArtifactStore, budget: Budget) -> Path:
    """Returns a Parquet file with the query's rows. Raises UserError and Unavailable."""
    folder = Path(tempfile.mkdtemp(prefix="query-"))
    tables, scratch, out = (folder / name for name in ("tables", "scratch", "out"))
    for path in (tables, scratch, out):
        path.mkdir()
    files = {given.name: list(_fetched(given, store, tables, budget)) for given in inputs}
    seconds = seconds_of(source.timeout, DEFAULT_SECONDS)
    connection = duckdb.connect(":memory:", config=dict.fromkeys(_EXTENSIONS, "false"))
    try:
        _prepare(connection, files, tables, scratch)
        with patience(seconds, connection.interrupt) as waiting:
            try:
                return _spool(connection, source.sql, Spool(out, budget, SQL))
            except duckdb.Error as error:
                if waiting.ended:
                    raise too_long(seconds, SQL) from error
                raise _told(error) from error
    finally:
        connection.close()


def _fetched(given: Input, store: ArtifactStore, tables: Path, budget: Budget) -> Iterator[Path]:
    (tables / given.name).mkdir()
    for file in given.files:
        path = tables / given.name / file.name
        store.fetch(f"{given.uri}/{file.name}", path, file.digest)
        budget.take(path.stat().st_size, given.version)
        yield path
    say(f"{given.name} is {given.version}")


def _prepare(connection: duckdb.DuckDBPyConnection, files: dict[str, list[Path]], tables: Path, scratch: Path) -> None:
    """Makes a view of each input, then closes all other ways out of the query."""
    for name, paths in files.items():
        listed = ", ".join(_quoted(str(path)) for path in paths)
        # Both parts of a version have the same columns; one without a target has no rows in the second.
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{listed}], union_by_name = true)')
    settings = {
        "TimeZone": "'UTC'",
        "threads": THREADS,
        "memory_limit": f"'{_memory()}B'",
        "temp_directory": _quoted(str(scratch)),
        "max_temp_directory_size": f"'{10 * 2**30}B'",
        "allowed_directories": f"[{_quoted(str(tables))}, {_quoted(str(scratch))}]",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = {value}")


def _spool(connection: duckdb.DuckDBPyConnection, sql: str, spool: Spool) -> Path:
    statements = connection.extract_statements(sql)
    kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
    if kinds != ["SELECT"]:
        writes = next((kind for kind in kinds if kind in _WRITES), None)
        if writes:
            raise UserError("QueryWrites", f"{writes} writes; a source only reads: write one SELECT", SQL)
        said = ", ".join(kinds) or "nothing"
        raise UserError("QueryFailed", f"one SELECT is read, there is {said}; write one", SQL)
    reader = connection.query(statements[0]).to_arrow_reader(ROWS)
    spool.begin(reader.schema.names)
    for batch in reader:
        spool.add(_plain(batch))
    say(f"read {spool.rows} rows of the query")
    return spool.close()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns the batch with sums of whole numbers, which have 128 bits, as usual ones where they fit."""
    columns = [_whole(column) if _is_whole(column.type) else column for column in batch]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _is_whole(type_: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(type_) and type_.scale == 0)


def _whole(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _told(error: duckdb.Error) -> UserError:
    said = " ".join(str(error).split())[:500]
    if isinstance(error, duckdb.OutOfMemoryException):
        message = f"{said}; raise spec.podTemplate.resources.limits.memory, or have the query keep less"
        return UserError("QueryTooLarge", message, SQL)
    if isinstance(error, duckdb.PermissionException):
        return UserError("QueryFailed", f"a query reads the tables of from alone: {said}; name them", SQL)
    return UserError("QueryFailed", f"DuckDB does not answer the query: {said}; correct it", SQL)


def _memory() -> int:
    """Returns half of the memory that the pod may use: DuckDB's own count leaves up to half of what it takes out."""
    try:
        most = int(_CGROUP.read_text())
    except (OSError, ValueError):  # no limit, or another system
        return USUAL_MEMORY
    return max(most // 2, LEAST_MEMORY)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
