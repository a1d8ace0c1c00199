"""Keeps the rows of a query in a Parquet file on the pod's disk: they are read twice, and a query may not say the same
twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources.fetch import Budget

FILE = "query.parquet"


class Spool:
    """Takes batches whose types may differ where a column had no value at first, and writes one file of one schema."""

    def __init__(self, folder: Path, budget: Budget, field: str) -> None:
        self._folder, self._budget, self._field = folder, budget, field
        self._parts: list[tuple[Path, pa.Schema]] = []
        self._writer: pq.ParquetWriter | None = None
        self.rows, self._names = 0, list[str]()

    def begin(self, names: list[str]) -> None:
        """Takes the columns' names. Raises UserError if one is there twice."""
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            message = f"the query gives the column {doubled[0]!r} more than once; name one of them another way, by AS"
            raise UserError("DuplicateColumn", message, self._field)
        self._names = names

    def add(self, batch: pa.RecordBatch) -> None:
        """Raises UserError for more than the pod's disk takes."""
        if self._writer is None or self._parts[-1][1] != batch.schema:
            self._end()
            path = self._folder / f"part-{len(self._parts)}.parquet"
            self._parts.append((path, batch.schema))
            self._writer = pq.ParquetWriter(path, batch.schema, compression="zstd")
        before = self._parts[-1][0].stat().st_size
        self._writer.write_batch(batch)
        self._budget.take(self._parts[-1][0].stat().st_size - before, "the query's result")
        self.rows += len(batch)

    def close(self) -> Path:
        """Returns the file. Raises UserError if a column has values of types that nothing holds both."""
        self._end()
        schemas = [schema for _, schema in self._parts] or [pa.schema([(name, pa.null()) for name in self._names])]
        try:
            whole = pa.unify_schemas(schemas, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"the query gives a column of different types, cast it to one: {str(error).splitlines()[0]}"
            raise UserError("ColumnsDiffer", message, self._field) from error
        # A column without any value has no type; as text it may become any.
        whole = pa.schema([field.with_type(pa.string()) if field.type == pa.null() else field for field in whole])
        path = self._folder / FILE
        with pq.ParquetWriter(path, whole, compression="zstd") as writer:
            for batch in self._batches():
                columns = [column.cast(field.type) for column, field in zip(batch, whole, strict=True)]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=whole))
        for part, _ in self._parts:
            part.unlink()
        return path

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for path, _ in self._parts:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(1 << 16)

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
