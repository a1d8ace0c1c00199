"""Builds what servers observe: request counts and sketches of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import datasketches

from modelyard_api.kinds.rollout import AnalysisMetric
from modelyard_api.wire.request_counts import Requests, bucket
from modelyard_api.wire.sketches import FREQUENT_LG_SIZE, KLL_K, Column, Role, Sketches


def metric(kind: str, **limit: float) -> AnalysisMetric:
    return AnalysisMetric.model_validate({"name": "m", "metric": kind, **limit})


def requests(total: int, errors: int = 0, seconds: Mapping[float, int] | None = None, refused: int = 0) -> Requests:
    """Returns request counts; ``seconds`` maps a latency to its number of requests (default: all took 10 ms)."""
    latencies: dict[int, int] = {}
    for latency, number in (seconds or {0.01: total}).items():
        latencies[bucket(latency)] = latencies.get(bucket(latency), 0) + number
    codes = {200: total - errors - refused, 400: refused, 500: errors}
    return Requests({code: number for code, number in codes.items() if number}, latencies)


def texts(counts: Mapping[str, int], name: str = "label", role: Role = "Output", missing: int = 0) -> Column:
    sketch = datasketches.frequent_strings_sketch(FREQUENT_LG_SIZE)
    for text, number in counts.items():
        sketch.update(text, number)
    return Column(name, role, "Text", sum(counts.values()) + missing, missing, frequent=bytes(sketch.serialize()))


def numbers(values: Sequence[float] | Any, name: str = "value", role: Role = "Output", missing: int = 0) -> Column:
    sketch = datasketches.kll_floats_sketch(KLL_K)
    for value in values:
        sketch.update(value)
    return Column(name, role, "Number", len(values) + missing, missing, quantiles=bytes(sketch.serialize()))


def sketches(counts: Requests | int, *columns: Column) -> Sketches:
    """Returns one minute's sketches; a number as ``counts`` is that many successful requests."""
    if isinstance(counts, int):
        counts = requests(counts)
    return Sketches("m", "1", "sha256:1", 0.0, 60.0, counts.total, columns, counts)
