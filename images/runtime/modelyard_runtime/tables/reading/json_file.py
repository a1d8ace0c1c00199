"""Reads one file of JSON Lines: an object a line, whose members are the columns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.blocks import MOST_RECORD, Cutter, TooLong
from modelyard_runtime.tables.reading.encoding import BadBytes, ToUTF8, first_bad, marked
from modelyard_runtime.tables.reading.names import checked
from modelyard_runtime.tables.reading.unchanged import mark, unchanged
from modelyard_runtime.tables.reading.unpack import Unpacked

MOST_ROWS = 1 << 16
_MOST_LEVELS = 200
_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "a text"}
_STRINGS = pa.types.is_string, pa.types.is_timestamp, pa.types.is_date, pa.types.is_time


class JSONFile:
    """A file of JSON Lines that was read once, for the names and types of its members: later lines may have others.

    Raises UserError for what is no JSON, for lists and objects within a row, and for a member of two types."""

    def __init__(self, file: Path, name: str, ignored: frozenset[str] = frozenset()) -> None:
        self.file, self.name, self._ignored = file, name, ignored
        self.mark = mark(file)
        self.doubts: list[Doubt] = []
        self._types: dict[str, pa.DataType] = {}
        row = 1
        with unchanged(file, name, self.mark), Unpacked(file, name) as raw:
            for block in self._blocks(raw):
                row += self._add(block, row)
        if not self._types:
            message = f"{name!r} has no object with a member; write one object a line, with a member a column"
            raise UserError("EmptyTable", message, "spec.source")
        self.names = checked(list(self._types), name)
        self.schema = pa.schema(zip(self.names, self._types.values(), strict=True))

    def rows(self) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        """Yields batches with the number of their first row, from 1, and the bytes that were read. Raises UserError."""
        schema, row = pa.schema({name: kind for name, kind in self._types.items() if name not in self._ignored}), 1
        with unchanged(self.file, self.name, self.mark), Unpacked(self.file, self.name) as raw:
            for block in self._blocks(raw):
                table = self._parsed(block, schema, row)
                columns = [
                    pa.nulls(len(table)) if name in self._ignored else table[name].cast(kind)
                    for name, kind in self._types.items()
                ]
                table = pa.table(columns, names=self.names)
                for batch in table.combine_chunks().to_batches(MOST_ROWS):
                    yield batch, row, raw.done
                    row += len(batch)

    def _blocks(self, raw: Unpacked) -> Iterator[bytes]:
        """Yields whole lines. Raises UserError for a line without end, and for what is no text."""
        start = raw.read(4)
        encoding, length = marked(start)
        head = start[length:] if encoding == "utf-8" else start

        def read(size: int) -> bytes:
            nonlocal head
            data, head = head or raw.read(size), b""
            return data

        source = ToUTF8(read, encoding).read if encoding and encoding != "utf-8" else read
        try:
            for block in Cutter(",", "").blocks(source):
                if block.strip():
                    yield block
        except TooLong:
            message = f"{self.name!r} has a line of more than {MOST_RECORD >> 20} MiB; write one object a line"
            raise UserError("RowTooLong", message, "spec.source") from None
        except BadBytes as error:
            message = f"{self.name!r} is no {error.encoding.upper()}: it has byte 0x{error.byte:02x}; write it as UTF-8"
            raise UserError("NotText", message, "spec.source") from None

    def _add(self, block: bytes, row: int) -> int:
        """Adds the members of a block, whose first row is ``row``, to the types, and returns how many rows it has."""
        # A text that looks like an instant would be read as one, and the next block's might not.
        known = pa.schema([(name, kind) for name, kind in self._types.items() if pa.types.is_string(kind)])
        table = self._parsed(block, known, row)
        for field in table.schema:
            if field.name in self._ignored:
                self._types[field.name] = pa.null()
                continue
            kind = pa.string() if any(is_(field.type) for is_ in _STRINGS) else field.type
            before = self._types.get(field.name, pa.null())
            if pa.types.is_floating(kind):
                self._tell_of_great(field.name, table[field.name], row)
            numbers = {before, kind} == {pa.int64(), pa.float64()}
            if pa.types.is_nested(kind) or not (numbers or before in (kind, pa.null()) or pa.types.is_null(kind)):
                raise self._wrong(block, row, None)
            if numbers:
                kind = pa.float64()
            self._types[field.name] = before if pa.types.is_null(kind) else kind
        return len(table)

    def _tell_of_great(self, column: str, values: pa.ChunkedArray, row: int) -> None:
        """Tells of whole numbers that 64 bits don't hold: as doubles some of them are the same number."""
        great = pc.fill_null(pc.greater_equal(pc.abs(values), 2.0**63), False)
        if column not in {doubt.column for doubt in self.doubts} and pc.any(great).as_py():
            at = pc.index(great, True).as_py()
            message = "numbers beyond 64 bits lose their last digits; write them as texts if they are names"
            example = str(values[at].as_py())
            self.doubts.append(
                Doubt(
                    column=column, reason="GreatNumbers", message=message, example=example, row=row + at, file=self.name
                )
            )

    def _parsed(self, block: bytes, schema: pa.Schema, row: int) -> pa.Table:
        if (bad := first_bad(block, True)) is not None:
            place = row + sum(1 for line in block[:bad].split(b"\n")[:-1] if line.strip())
            message = f"{self.name!r} is no UTF-8: byte 0x{block[bad]:02x} in row {place}; write it as UTF-8"
            raise UserError("NotText", message, "spec.source")
        if _is_deep(block) and (problem := self._problem(block, row)):
            raise problem  # Arrow's parser overflows its stack there
        read = pa.json.ReadOptions(use_threads=False, block_size=len(block) + 1)
        parse = pa.json.ParseOptions(explicit_schema=schema)
        try:
            return pa.json.read_json(pa.BufferReader(block), read_options=read, parse_options=parse)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            if self._ignored and (rest := self._without_ignored(block)) is not None:
                return self._parsed(rest, schema, row)
            raise self._wrong(block, row, error) from error

    def _without_ignored(self, block: bytes) -> bytes | None:
        """Returns the rows without the ignored members, which may be of any types; None if there are none of them."""
        try:
            rows = [json.loads(line) for line in block.splitlines() if line.strip()]
        except ValueError:
            return None
        names = {name for row in rows if isinstance(row, dict) for name in row if name in self._ignored}
        self._types |= dict.fromkeys(sorted(names), pa.null())
        for row in filter(lambda row: isinstance(row, dict), rows):
            for name in names & row.keys():
                del row[name]
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode() if names else None

    def _wrong(self, block: bytes, first: int, error: Exception | None) -> UserError:
        """Returns the error about the first row of a block that can't be read."""
        message = f"{self.name!r} can't be read as JSON Lines after row {first}: {error}"
        return self._problem(block, first) or UserError("UnreadableFile", message, "spec.source")

    def _problem(self, block: bytes, first: int) -> UserError | None:
        """Returns the error about the first row of a block that is wrong, in people's words; None if none is."""
        kinds = {name: _NAMES[_python(kind)] for name, kind in self._types.items() if not pa.types.is_null(kind)}
        lines = [line for line in block.replace(b"\r", b"\n").split(b"\n") if line.strip()]
        for row, line in enumerate(lines, first):
            if problem := _problem(line, kinds, self._ignored):
                message = f"row {row} of {self.name!r}: {problem}"
                return UserError("ColumnType" if "column" in problem else "UnreadableFile", message, "spec.source")
        return None


def _is_deep(block: bytes) -> bool:
    """Returns whether brackets, within texts or not, are nested deeply in some line."""
    if block.count(b"{") + block.count(b"[") <= block.count(b"\n") + _MOST_LEVELS:
        return False
    codes = np.frombuffer(block, np.uint8)
    steps = np.isin(codes, np.frombuffer(b"{[", np.uint8)).astype(np.int32)
    steps -= np.isin(codes, np.frombuffer(b"}]", np.uint8))
    levels = np.cumsum(steps)
    starts = np.concatenate([[0], np.flatnonzero(codes == 10) + 1])
    starts = starts[starts < len(codes)]
    before = levels[starts] - steps[starts]
    return bool((np.maximum.reduceat(levels, starts) - before > _MOST_LEVELS).any())


def _python(kind: pa.DataType) -> type:
    if pa.types.is_boolean(kind):
        return bool
    return str if pa.types.is_string(kind) else float


def _problem(line: bytes, kinds: dict[str, str], ignored: frozenset[str]) -> str | None:
    """Returns what is wrong with a line, and adds the kinds of its members to ``kinds``."""
    text = line.decode().strip()
    pairs: list[tuple[str, Any]] = []
    try:
        value = json.loads(
            text, object_pairs_hook=lambda members: pairs.clear() or pairs.extend(members) or dict(members)
        )
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        return f"{text[:80]!r} is no JSON ({reason}); write one object a line"
    if not isinstance(value, dict):
        hint = " (of a list of objects: jq -c '.[]')" if isinstance(value, list) else ""
        return f"{text[:80]!r} is no object; write one object a line{hint}"
    doubled = next((name for at, (name, _) in enumerate(pairs) if name in {other for other, _ in pairs[:at]}), None)
    if doubled is not None:
        return f"column {doubled!r} is there twice; name it once"
    for name, member in value.items():
        if name in ignored:
            continue
        if isinstance(member, list | dict):
            inner = json.dumps(member)[:80]
            return f"column {name!r} holds {inner}; write its parts as columns of their own, or name it in spec.ignore"
        if isinstance(member, float) and math.isinf(member):
            return f"column {name!r} holds a number that is too great for a double; correct it"
        kind = None if member is None else _NAMES[type(member)]
        if kind and kinds.setdefault(name, kind) != kind:
            return f"column {name!r} holds {kind}, {member!r:.80}, and {kinds[name]} before; write it alike in all rows"
    return None
