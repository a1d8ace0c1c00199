"""Keeps hashes with a number each, more than fit into memory, and gives them back in parts that have equal hashes
together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.tables.versions.hashes import Hashes

_PAIR = np.dtype([("hash", "<u8"), ("number", "<i8")])
_RUN = 1 << 18
"""Pairs that are sorted and written at once."""
_BUCKETS = 256


class Buckets:
    """``path`` is written to once there are more pairs than one run: each run is sorted by hash."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[NDArray[np.void]] = []
        self._count = 0
        self._runs: list[NDArray[np.int64]] = []

    def add(self, hashes: Hashes, numbers: NDArray[np.int64]) -> None:
        pairs = np.empty(len(hashes), _PAIR)
        pairs["hash"], pairs["number"] = hashes, numbers
        self._waiting.append(pairs)
        self._count += len(pairs)
        if self._count >= _RUN:
            self._write()

    def parts(self) -> Iterator[tuple[Hashes, NDArray[np.int64]]]:
        """Yields hashes in their order, with their numbers in the order in which they were added."""
        if self._runs:
            self._write()
        memory = np.concatenate(self._waiting) if self._waiting else np.empty(0, _PAIR)
        for bucket in range(_BUCKETS if self._runs else 1):
            pairs = self._of(bucket) if self._runs else memory
            pairs = pairs[np.argsort(pairs["hash"], kind="stable")]
            yield pairs["hash"], pairs["number"]

    def _write(self) -> None:
        pairs = np.concatenate(self._waiting) if self._waiting else np.empty(0, _PAIR)
        pairs = pairs[np.argsort(pairs["hash"], kind="stable")]
        before = int(self._runs[-1][-1]) if self._runs else 0
        bounds = np.searchsorted(pairs["hash"] >> np.uint64(56), np.arange(_BUCKETS + 1, dtype=np.uint64))
        with self._path.open("ab") as file:
            pairs.tofile(file)
        self._runs.append(before + bounds)
        self._waiting, self._count = [], 0

    def _of(self, bucket: int) -> NDArray[np.void]:
        pieces = []
        with self._path.open("rb") as file:
            for run in self._runs:
                start, stop = int(run[bucket]), int(run[bucket + 1])
                file.seek(start * _PAIR.itemsize)
                pieces.append(np.frombuffer(file.read((stop - start) * _PAIR.itemsize), _PAIR))
        return np.concatenate(pieces)
