"""The payload log: whole rows of some requests and their answers, as Parquet files. Off unless a rate is given.

The prediction id alone decides whether a request is logged, so that every pod, and whoever joins labels later, agrees.
pyarrow is imported only if the log is on, in the log's thread: it takes 61 MB.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_server.manifest import NUMBER, TIMESTAMP, Manifest
from modelyard_server.observe.sample import hashed
from modelyard_server.protocol import Inference
from modelyard_server.say import say

WAITING_BYTES = 16 * 1024 * 1024
"""Most bytes of requests that wait to be written. Requests beyond that are not logged but counted as dropped."""
FILE_BYTES = 4 * 1024 * 1024
"""A file is written when this much waits, or after FILE_SECONDS."""
FILE_SECONDS = 10.0
SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer. ``time`` is in seconds since 1970."""

    model: str
    version: str
    manifest: Manifest
    time: float
    request: Inference
    arrays: list[NDArray[Any]]


def sampled(prediction: str, rate: float) -> bool:
    """Returns whether the prediction with this id belongs to the share ``rate`` (0 to 1) that is logged."""
    return int.from_bytes(hashed(prediction), "big") < rate * 2**64


class PayloadLog:
    """Writes the log. Only the event loop's thread may call ``add`` and ``close``. The newest files are kept, up to
    ``most`` bytes."""

    def __init__(self, folder: Path, rate: float, most: int, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.rate, self._most, self._clock = folder, rate, most, clock
        self.rows = self.dropped = 0
        """``rows`` were written to files; ``dropped`` were sampled, but came too fast or couldn't be written."""
        self._entries: list[Entry] = []
        self._fresh = 0
        """``_fresh`` is the bytes of ``_entries``."""
        self._held = 0
        """``_held`` is the bytes of ``_entries`` and of the entries being written."""
        self._timer: asyncio.Handle | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="payload")
        self._files = 0

    def start(self) -> None:
        """Creates the folder. Raises OSError if it can't be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        probe = self.folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
        self._writer.submit(__import__, "pyarrow.parquet")

    def add(
        self, model: str, version: str, manifest: Manifest, request: Inference, arrays: list[NDArray[Any]], size: int
    ) -> None:
        """Logs a prediction whose request had ``size`` bytes, if it is sampled."""
        if not sampled(request.id, self.rate):
            return
        size += sum(array.nbytes for array in arrays)
        if self._held + size > WAITING_BYTES:
            self.dropped += request.rows
            return
        self._entries.append(Entry(model, version, manifest, self._clock(), request, arrays))
        self._fresh += size
        self._held += size
        if self._fresh >= FILE_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FILE_SECONDS, self.flush)

    def flush(self) -> asyncio.Future[None] | None:
        """Begins to write the waiting entries; returns the future of that, or None if there are none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        entries, size = self._entries, self._fresh
        self._entries, self._fresh = [], 0
        if not entries:
            return None
        writing = asyncio.get_running_loop().run_in_executor(self._writer, self._write, entries)
        return asyncio.ensure_future(self._written(writing, entries, size))

    async def close(self) -> None:
        """Writes the waiting entries and stops the log's thread."""
        last = self.flush()
        if last is not None:
            await last
        self._writer.shutdown()

    async def _written(self, writing: asyncio.Future[None], entries: list[Entry], size: int) -> None:
        rows = sum(entry.request.rows for entry in entries)
        try:
            await writing
            self.rows += rows
        except Exception as error:  # a full disk must not fail the predictions
            self.dropped += rows
            say(f"payload log: {rows} rows were not written: {error}")
        finally:
            self._held -= size

    def _write(self, entries: list[Entry]) -> None:
        import pyarrow.parquet as parquet

        groups: dict[tuple[str, str, str], list[Entry]] = {}
        for entry in entries:
            groups.setdefault((entry.model, entry.version, entry.manifest.digest), []).append(entry)
        for (model, version, _), group in groups.items():
            self._files += 1
            name = f"{model}-{version}-{int(group[0].time * 1000)}-{os.getpid()}-{self._files}{SUFFIX}"
            part = self.folder / f".{name}.part"
            try:
                parquet.write_table(table(group), part, compression="zstd")
                part.rename(self.folder / name)
            finally:
                part.unlink(missing_ok=True)
        self._prune()

    def _prune(self) -> None:
        """Deletes the oldest files until the others fit."""
        files = sorted((path.stat().st_mtime_ns, path) for path in self.folder.glob(f"*{SUFFIX}"))
        total = sum(path.stat().st_size for _, path in files)
        for _, path in files:
            if total <= self._most:
                break
            total -= path.stat().st_size
            path.unlink()


def table(entries: list[Entry]) -> Any:
    """Returns the rows of requests to one model as a pyarrow table, with the columns prediction_id, row, time,
    model_version, the inputs (``input.NAME``) and the outputs (``output.NAME``; probabilities are lists). An output
    that was not requested is null."""
    import pyarrow as pa

    manifest = entries[0].manifest
    counts = [entry.request.rows for entry in entries]
    repeated = np.repeat(np.arange(len(entries)), counts)
    columns: dict[str, Any] = {
        "prediction_id": pa.array([entry.request.id for entry in entries]).take(pa.array(repeated)),
        "row": pa.array(np.concatenate([np.arange(count, dtype=np.int32) for count in counts])),
        "time": pa.array([int(entry.time * 1e6) for entry in entries], pa.timestamp("us", "UTC")).take(
            pa.array(repeated)
        ),
        "model_version": pa.array([entries[0].version] * len(repeated)),
    }
    for index, column in enumerate(manifest.inputs):
        parts = []
        for entry in entries:
            matrix, by_name = entry.request.matrix, entry.request.given or entry.request.columns
            parts.append(matrix[:, index] if matrix is not None else (by_name or {})[column.name])
        joined = pa.array(np.concatenate(parts), from_pandas=True)
        is_time = column.type == TIMESTAMP
        columns[f"input.{column.name}"] = joined.cast(pa.timestamp("us", "UTC")) if is_time else joined
    for output in manifest.outputs:
        values: list[Any] = []
        for entry in entries:
            names = [item.name for item in entry.request.outputs]
            if output.name in names:
                values += entry.arrays[names.index(output.name)].tolist()
            else:
                values += [None] * entry.request.rows
        plain = pa.float32() if output.datatype == NUMBER else None
        kind = pa.list_(pa.float32()) if len(output.shape) == 2 else plain
        columns[f"output.{output.name}"] = pa.array(values, kind)
    return pa.table(columns)
