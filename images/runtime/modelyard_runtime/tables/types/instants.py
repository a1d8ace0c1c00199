"""Reads instants from whole columns, with the meaning that ``modelyard_models.instants`` gives to one text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_models import instants as meaning
from modelyard_runtime.tables.types.fixed import Fixed
from modelyard_runtime.tables.types.kinds import Kind

_UTC, _NAIVE = pa.timestamp("us", "UTC"), pa.timestamp("us")
_MINUTE = 60_000_000
_RAILWAY = -1_577_923_200_000_000
"""1920 in UTC: before, clocks differed from UTC by odd seconds."""
_START = datetime(1970, 1, 1)
_MEMORY = 20_000
_DAY = len("2026-12-31")
_ZONE = re.compile(r"(?:Z|[T ][0-9:.,]+[+-][0-9:]+)$")


class Read(NamedTuple):
    """``values`` are null where there is none; ``other`` says which present texts are none, None that all are.

    ``skipped`` says which local times don't exist since clocks are put forward, ``twice`` which come twice.
    """

    values: pa.Array
    other: pa.Array | None
    skipped: np.ndarray | None = None
    twice: np.ndarray | None = None
    with_zone: int = 0
    without_zone: int = 0


class Clock:
    """Reads the instants of one column."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._known: dict[str, int | None] = {}
        self._fixed = Fixed.of(kind.format) if kind.format else None
        self._zone = None if kind.zone in (None, "UTC") else ZoneInfo(kind.zone)

    def read(self, column: pa.Array) -> Read:
        """Reads cleaned texts, or the numbers and times of a typed file."""
        if pa.types.is_timestamp(column.type):
            return self._times(column)
        if not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        if self._kind.format is None:
            return self._iso(column) or self._one_by_one(column)
        if self._fixed is not None:
            return self._by_width(column, self._fixed)
        return self._one_by_one(column)

    def _times(self, column: pa.Array) -> Read:
        if column.type.tz is None:
            return self._local(pc.cast(column, _NAIVE, safe=False))
        return Read(pc.cast(column, _UTC, safe=False), None)

    def _iso(self, column: pa.Array) -> Read | None:
        """Reads a column whose texts have all the same form; returns None if they don't."""
        present = column.drop_null()
        has_zone = len(present) > 0 and bool(_ZONE.search(present[0].as_py()))
        try:
            read = Read(pc.cast(column, _UTC), None) if has_zone else self._local(pc.cast(column, _NAIVE))
        except pa.ArrowInvalid:
            return None
        times = pc.sum(pc.greater(pc.binary_length(present), _DAY)).as_py() or 0
        return self._within(read._replace(**{"with_zone" if has_zone else "without_zone": times}))

    def _by_width(self, column: pa.Array, fixed: Fixed) -> Read:
        """Reads what is written with all digits at once, and the rest one by one."""
        micros, fits = fixed.read(column)
        read = self._local(pa.array(micros, pa.int64(), mask=~fits).cast(_NAIVE))
        rest = pc.if_else(pa.array(fits), pa.scalar(None, pa.string()), column)
        if rest.null_count == len(rest):
            return read
        others = self._one_by_one(rest)
        values = pc.if_else(pa.array(fits), read.values, others.values)
        return Read(values, others.other, _either(read.skipped, others.skipped), _either(read.twice, others.twice))

    def _within(self, read: Read) -> Read | None:
        least = pc.min(read.values).cast(pa.int64()).as_py()
        return read if least is None or least >= meaning.FIRST else None

    def _local(self, naive: pa.Array) -> Read:
        """Returns the instants of local times."""
        if self._zone is None:
            return Read(pc.assume_timezone(naive, "UTC") if naive.type.tz is None else naive, None)
        micros = pc.fill_null(naive.cast(pa.int64()), 0).to_numpy()
        grain = np.where(micros < _RAILWAY, 1_000_000, _MINUTE)
        moments, back = np.unique(micros - micros % grain, return_inverse=True)
        before, after = (np.array([self._offset(int(each), fold) for each in moments], np.int64) for fold in (0, 1))
        valid = naive.is_valid().to_numpy(zero_copy_only=False)
        utc = pa.array(micros - before[back], pa.int64(), mask=~valid).cast(_UTC)
        return Read(utc, None, (after > before)[back] & valid, (after < before)[back] & valid)

    def _offset(self, micros: int, fold: int) -> int:
        """Returns the microseconds that local time is ahead of UTC."""
        try:
            moment = (_START + timedelta(microseconds=micros)).replace(tzinfo=self._zone, fold=fold)
        except OverflowError:
            return 0
        offset = moment.utcoffset() or timedelta()
        return offset // timedelta(microseconds=1)

    def _one_by_one(self, column: pa.Array) -> Read:
        """Reads each different text once."""
        encoded = column.dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        micros = pa.array([self._of(text) for text in texts], pa.int64())
        values = micros.take(encoded.indices)
        other = pc.and_(pc.is_valid(column), pc.is_null(values))
        read = Read(values.cast(_UTC), other if pc.any(other).as_py() else None)
        if self._kind.format is None:
            times = [bool(_ZONE.search(text)) for text in texts if self._of(text) is not None and len(text) > _DAY]
            read = read._replace(with_zone=sum(times), without_zone=len(times) - sum(times))
        if self._zone is None:
            return read
        odd = [self._oddness(text) for text in texts]
        codes = pc.fill_null(pa.array(odd, pa.int8()).take(encoded.indices), 0).to_numpy(zero_copy_only=False)
        return read._replace(skipped=codes == 1, twice=codes == -1)

    def _of(self, text: str) -> int | None:
        if text not in self._known:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            try:
                self._known[text] = meaning.parse(text, self._kind.format, self._kind.zone)
            except (ValueError, OverflowError):
                self._known[text] = None
        return self._known[text]

    def _oddness(self, text: str) -> int:
        """Returns 1 for a local time that doesn't exist, -1 for one that comes twice, else 0."""
        if self._known.get(text) is None or self._kind.format in meaning.EPOCHS:
            return 0
        moment = _written(text, self._kind.format)
        if moment.tzinfo is not None:
            return 0
        micros = (moment.replace(tzinfo=UTC) - _START.replace(tzinfo=UTC)) // timedelta(microseconds=1)
        before, after = self._offset(micros, 0), self._offset(micros, 1)
        return (after > before) - (after < before)


def _written(text: str, format_: str | None) -> datetime:
    return datetime.fromisoformat(text) if format_ is None else datetime.strptime(text, format_)


def _either(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return other if one is None else one if other is None else one | other
