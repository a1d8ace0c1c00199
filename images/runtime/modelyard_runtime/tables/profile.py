"""Profiles a table: sketches of every column, as model servers keep them of their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.wire.sketches import Column
from modelyard_models import profile
from modelyard_runtime.pod.say import say


class Columns(Protocol):
    """A table that is read column by column, so that it needn't be in memory as a whole."""

    column_names: list[str]

    def __len__(self) -> int: ...
    def __getitem__(self, name: str) -> pa.ChunkedArray: ...


def document_of(columns: Iterable[Column], rows: int, digest: str) -> bytes:
    """Returns the profile of the table with these columns, which has this digest."""
    data, left_out = profile.document(digest, rows, columns)
    if left_out:
        say(f"the profile has no room for {len(left_out)} columns of many different texts: {', '.join(left_out[:10])}")
    return data


def columns_of(table: Columns, types: dict[str, str]) -> Iterator[Column]:
    """Yields the sketches of each column as a model is given it: texts with "" for missing, numbers with NaN."""
    for name, type_ in types.items():
        if type_ == "Category":
            texts = pc.fill_null(table[name], "").combine_chunks()
            yield profile.of_texts(name, texts.to_numpy(zero_copy_only=False))
        else:
            numbers = pc.fill_null(pc.cast(table[name], pa.float64(), safe=False), np.nan)
            yield profile.of_numbers(name, numbers.to_numpy())
