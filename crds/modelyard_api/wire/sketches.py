"""Mergeable sketches of the data that model servers processed: reads, writes, merges and queries a server's document.

A sketch has constant size whatever the number of values: KLL for the quantiles of numbers, frequent items for texts,
HyperLogLog for distinct counts (Apache DataSketches; Karnin, Lang, Liberty 2016; Flajolet et al. 2007). The document
also has exact counts: of values, of missing values, of categories the model was not trained with, and of requests by
code and latency; and on request a sample of the answers, which identifies a prediction only by a hash of its id.

Needs ``datasketches`` (an extra of the distribution) but not pydantic: a server's start would take a third longer.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import datasketches

from modelyard_api.wire import answers as answered
from modelyard_api.wire import request_counts as requested
from modelyard_api.wire.answers import Answers
from modelyard_api.wire.request_counts import Requests

VERSION = 3
"""The version of the document. A reader refuses any other, since the sizes of sketches may change with it."""
KLL_K = 200
"""A quantile's rank is within 1.33 % with 99 % confidence."""
HLL_LG_K = 11
"""The relative standard error of a distinct count is 2.3 %."""
FREQUENT_LG_SIZE = 9
"""Counts are exact up to 384 different texts; above that they are within 0.7 % of the number of texts."""
MAX_TEXT = 64
"""Most characters of a text in the frequent items; a longer text is cut and ends in a hash of the whole."""

Role = Literal["Input", "Output"]
Kind = Literal["Number", "Text"]


class NotSketches(ValueError):
    """The document is not one that this version reads, or two can't be merged; the message says why."""


@dataclass(frozen=True)
class Estimate:
    """An estimated number: ``lower`` and ``upper`` are bounds, ``value`` is the best estimate between them."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Item:
    """A text and how often it came."""

    text: str
    count: Estimate


@dataclass(frozen=True)
class Column:
    """An input, an output, or the probability of one class (``probabilities[CLASS]``).

    ``count`` is the number of values, ``missing`` of which were null, NaN or "". ``unseen`` counts texts that the
    training data did not have; None means that those are unknown. The serialised sketches hold the other values.
    """

    name: str
    role: Role
    kind: Kind
    count: int
    missing: int
    unseen: int | None = None
    quantiles: bytes | None = None
    frequent: bytes | None = None
    distinct: bytes | None = None

    def quantile_of(self, ranks: list[float]) -> list[float]:
        """Returns a Number's values at normalized ``ranks`` (0 to 1). Raises ValueError if there are no values."""
        return [float(value) for value in self._kll().get_quantiles(ranks)]

    def cdf(self, values: list[float]) -> list[float]:
        """Returns for each of ``values``, which must rise, the share of numbers that are at most that value."""
        return [float(share) for share in self._kll().get_cdf(values, True)][:-1]

    def extremes(self) -> tuple[float, float]:
        """Returns the exact smallest and largest number."""
        kll = self._kll()
        return float(kll.get_min_value()), float(kll.get_max_value())

    def rank_of(self, value: float) -> float:
        """Returns the share of numbers that are at most ``value``."""
        return float(self._kll().get_rank(value, True))

    def rank_error(self) -> float:
        """Returns how far a rank may be off, with 99 % confidence; 0 while the sketch still holds all numbers."""
        kll = self._kll()
        return float(kll.normalized_rank_error(False)) if kll.is_estimation_mode() else 0.0

    def distinct_count(self, deviations: int = 3) -> Estimate:
        """Returns the number of different values; the bounds are 1, 2 or 3 standard deviations away."""
        if self.distinct is None:
            return Estimate(0, 0, 0)
        hll = datasketches.hll_sketch.deserialize(self.distinct)
        return Estimate(hll.get_estimate(), hll.get_lower_bound(deviations), hll.get_upper_bound(deviations))

    def frequent_items(self) -> list[Item]:
        """Returns the texts that may be among the most frequent, most frequent first; it omits no text that came more
        often than the sketch's error."""
        if self.frequent is None:
            return []
        sketch = datasketches.frequent_strings_sketch.deserialize(self.frequent)
        items = sketch.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES)
        return [Item(text, Estimate(value, lower, upper)) for text, value, lower, upper in items]

    def _kll(self) -> Any:
        if self.quantiles is None:
            raise ValueError(f"column {self.name!r} has no numbers")
        return datasketches.kll_floats_sketch.deserialize(self.quantiles)


@dataclass(frozen=True)
class Sketches:
    """One model's columns from ``start`` to ``end`` (Unix seconds). ``predictions`` is the exact number of rows that
    were answered and observed. ``requests`` are counted even if nothing is observed. ``answers`` is None if they were
    not requested or nothing is observed."""

    model: str
    model_version: str
    digest: str
    start: float
    end: float
    predictions: int
    columns: tuple[Column, ...] = field(default=())
    requests: Requests = field(default_factory=Requests)
    answers: Answers | None = None

    def column(self, name: str, role: Role) -> Column:
        """Returns the column with this name and role. Raises KeyError if there is none."""
        for column in self.columns:
            if (column.name, column.role) == (name, role):
                return column
        raise KeyError(f"no {role} {name!r}")


def merge(parts: Iterable[Sketches]) -> Sketches:
    """Merges the sketches of pods and time windows. Raises NotSketches if there are none, or they are of two models.

    The result's error is that of one sketch over all values.
    """
    whole = list(parts)
    if not whole:
        raise NotSketches("there are no sketches to merge")
    first = whole[0]
    grouped: dict[tuple[str, str, str], list[Column]] = {}
    for part in whole:
        if part.digest != first.digest:
            raise NotSketches(f"sketches of two models can't be merged: {first.digest} and {part.digest}")
        for column in part.columns:
            grouped.setdefault((column.role, column.name, column.kind), []).append(column)
    samples = [part.answers for part in whole if part.answers is not None]
    if len({sample.kind for sample in samples}) > 1:
        raise NotSketches("samples of labels and of numbers can't be merged")
    return Sketches(
        first.model,
        first.model_version,
        first.digest,
        min(part.start for part in whole),
        max(part.end for part in whole),
        sum(part.predictions for part in whole),
        tuple(_merged(columns) for columns in grouped.values()),
        requested.add(part.requests for part in whole),
        answered.merge(samples) if samples else None,
    )


def _merged(columns: list[Column]) -> Column:
    first = columns[0]
    if len(columns) == 1:
        return first
    unseen = [column.unseen for column in columns if column.unseen is not None]
    distinct = [column.distinct for column in columns if column.distinct is not None]
    return Column(
        first.name,
        first.role,
        first.kind,
        sum(column.count for column in columns),
        sum(column.missing for column in columns),
        sum(unseen) if unseen else None,
        _merge_into(datasketches.kll_floats_sketch, [column.quantiles for column in columns]),
        _merge_into(datasketches.frequent_strings_sketch, [column.frequent for column in columns]),
        union(distinct) if distinct else None,
    )


def _merge_into(kind: Any, parts: list[bytes | None]) -> bytes | None:
    sketches = [kind.deserialize(part) for part in parts if part is not None]
    if not sketches:
        return None
    for other in sketches[1:]:
        sketches[0].merge(other)
    return bytes(sketches[0].serialize())


def union(parts: Iterable[bytes]) -> bytes:
    """Merges serialised HyperLogLogs; returns the result as compact HLL_4."""
    merged = datasketches.hll_union(HLL_LG_K)
    for part in parts:
        merged.update(datasketches.hll_sketch.deserialize(part))
    return bytes(merged.get_result(datasketches.HLL_4).serialize_compact())


_SKETCHES = ("quantiles", "frequent", "distinct")


def write(sketches: Sketches) -> bytes:
    """Returns the document as JSON, with the sketches in base64."""
    columns = []
    for column in sketches.columns:
        item: dict[str, Any] = {
            "name": column.name,
            "role": column.role,
            "kind": column.kind,
            "count": column.count,
            "missing": column.missing,
        }
        if column.unseen is not None:
            item["unseen"] = column.unseen
        for key in _SKETCHES:
            data = getattr(column, key)
            if data is not None:
                item[key] = base64.b64encode(data).decode()
        columns.append(item)
    document: dict[str, Any] = {
        "version": VERSION,
        "model": sketches.model,
        "modelVersion": sketches.model_version,
        "digest": sketches.digest,
        "start": sketches.start,
        "end": sketches.end,
        "predictions": sketches.predictions,
        "columns": columns,
        "requests": requested.written(sketches.requests),
    }
    if sketches.answers is not None:
        document["answers"] = answered.written(sketches.answers)
    return json.dumps(document, separators=(",", ":")).encode()


def read(data: bytes) -> Sketches:
    """Reads a document of ``write``. Raises NotSketches for a document of another version or form."""
    try:
        document = json.loads(data)
    except ValueError as error:
        raise NotSketches(f"not a document of sketches: {error!r}") from error
    return parse(document)


def parse(document: Any) -> Sketches:
    """Reads a document of ``write`` as parsed JSON. Raises NotSketches for one of another version or form."""
    try:
        if document["version"] != VERSION:
            raise NotSketches(f"sketches of version {document['version']}: this program reads version {VERSION}")
        return Sketches(
            document["model"],
            document["modelVersion"],
            document["digest"],
            document["start"],
            document["end"],
            document["predictions"],
            tuple(_column(item) for item in document["columns"]),
            requested.read(document["requests"]),
            answered.read(document["answers"]) if "answers" in document else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        if isinstance(error, NotSketches):
            raise
        raise NotSketches(f"not a document of sketches: {error!r}") from error


def _column(item: dict[str, Any]) -> Column:
    sketches = {key: base64.b64decode(item[key], validate=True) for key in _SKETCHES if key in item}
    return Column(
        item["name"], item["role"], item["kind"], item["count"], item["missing"], item.get("unseen"), **sketches
    )
