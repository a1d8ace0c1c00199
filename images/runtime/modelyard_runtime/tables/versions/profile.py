"""Profiles a table: sketches of every column, as model servers keep them of their inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import datasketches
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.wire.sketches import FREQUENT_LG_SIZE, KLL_K, MAX_TEXT, Column
from modelyard_models import profile
from modelyard_models.instants import days
from modelyard_models.live import cut
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.versions.chunk import Chunk

_WAITING = 4096
"""Texts that are counted before they go into the sketch, which takes longer than a dictionary."""
GIVE_UP_AT = 100_000
"""Different texts in a column, counted anew in each batch, beyond which its distribution says nothing. Their sketch
would take longer than all else."""


class ProfileFold:
    """Sketches of the columns as a model is given them: texts, and numbers in single precision, days of instants."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sketches: dict[str, _Numbers | _Texts] = {
            item.name: _Texts(item.name) if pa.types.is_string(item.type) else _Numbers(item.name) for item in schema
        }
        self._rows = 0

    def update(self, chunk: Chunk) -> None:
        self._rows += len(chunk)
        for name, sketch in self._sketches.items():
            if isinstance(sketch, _Numbers):
                sketch.fold(chunk.column(name))
            else:
                sketch.fold(chunk.encoded(name), self._rows)

    def columns(self, types: Mapping[str, str]) -> list[Column]:
        """Returns the sketches. Identifiers and free text have none, nor has a column of too many different texts."""
        kept = {name: item for name, item in self._sketches.items() if types[name] not in ("Text", "Identifier")}
        if given_up := [name for name, item in kept.items() if isinstance(item, _Texts) and item.given_up]:
            say(f"the profile leaves out {len(given_up)} columns of too many different texts: {given_up[:10]}")
        return [item.column() for name, item in kept.items() if name not in given_up]


def document(columns: Sequence[Column], rows: int, digest: str) -> bytes:
    """Returns the profile of the table with these columns, which has this digest."""
    data, left_out = profile.document(digest, rows, columns)
    if left_out:
        say(f"the profile has no room for {len(left_out)} columns of many different texts: {left_out[:10]}")
    return data


class _Numbers:
    def __init__(self, name: str) -> None:
        self._name, self._count, self._missing = name, 0, 0
        self._kll = datasketches.kll_floats_sketch(KLL_K)

    def fold(self, column: pa.Array) -> None:
        self._count += len(column)
        self._missing += column.null_count
        present = column.drop_null() if column.null_count else column
        if pa.types.is_timestamp(present.type):
            values = days(present.view(pa.int64()).to_numpy(zero_copy_only=False).view("datetime64[us]"))
        else:
            values = pc.cast(present, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):  # what single precision can't hold is refused elsewhere
            self._kll.update(values.astype(np.float32))

    def column(self) -> Column:
        sketch = bytes(self._kll.serialize())
        return Column(self._name, "Input", "Number", self._count, self._missing, quantiles=sketch)


class _Texts:
    def __init__(self, name: str) -> None:
        self._name, self._count, self._missing, self._different = name, 0, 0, 0
        self._frequent = datasketches.frequent_strings_sketch(FREQUENT_LG_SIZE)
        self._waiting: Counter[str] = Counter()

    @property
    def given_up(self) -> bool:
        return self._different > GIVE_UP_AT and self._different > self._count / 2

    def fold(self, column: pa.DictionaryArray, rows: int) -> None:
        self._count = rows
        self._missing += column.null_count
        self._different += len(column.dictionary)
        if self.given_up:
            self._waiting.clear()
            return
        indices = column.indices.drop_null().to_numpy(zero_copy_only=False)
        counts = np.bincount(indices, minlength=len(column.dictionary)).tolist()
        for text, count in zip(column.dictionary.to_pylist(), counts, strict=True):
            self._waiting[text] += count
        if len(self._waiting) > _WAITING:
            self._flush()

    def _flush(self) -> None:
        for text, count in self._waiting.items():
            self._frequent.update(text if len(text) <= MAX_TEXT else cut(text), count)
        self._waiting.clear()

    def column(self) -> Column:
        self._flush()
        sketch = bytes(self._frequent.serialize())
        return Column(self._name, "Input", "Text", self._count, self._missing, frequent=sketch)
