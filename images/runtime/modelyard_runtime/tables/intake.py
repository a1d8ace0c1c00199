"""How the inputs of a model become what its file takes: learnt from the training rows, and kept in model.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from modelyard_api.fields.artifact import Feature, ModelManifest, Part
from modelyard_api.fields.signature import Input
from modelyard_models.derive import derive
from modelyard_models.instants import days, part

EXACT = 2.0**24
"""Single precision has all whole numbers up to here."""
LOST_BITS = 256
"""An offset is worth it for numbers with fractions that are so many times greater than their range: of the 24 bits of
single precision eight would be the same in all values."""


class Column(NamedTuple):
    """A column that the model's file takes."""

    name: str
    datatype: Literal["FP32", "BYTES"]


@dataclass(frozen=True)
class Intake:
    """``features`` derive what the file takes from ``inputs``; without any it takes these as they are. ``missing`` are
    the texts that count as missing."""

    inputs: list[Input]
    features: list[Feature] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, manifest: ModelManifest) -> Intake:
        return cls(manifest.signature.inputs, manifest.features, manifest.missing)

    @cached_property
    def columns(self) -> list[Column]:
        """What the file takes, in its order."""
        if not self.features:
            return [Column(item.name, item.datatype) for item in self.inputs]
        texts = {item.name for item in self.inputs if item.datatype == "BYTES"}
        return [
            Column(item.name, "BYTES" if item.part is None and item.column in texts else "FP32")
            for item in self.features
        ]

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(("", *self.missing))

    @cached_property
    def wide(self) -> frozenset[str]:
        """The numbers that are needed in double precision."""
        return frozenset(item.column for item in self.features if item.offset and item.part is None)

    def only(self, names: list[str]) -> Intake:
        """Returns the intake of a file that takes these columns alone, in this order."""
        own = {item.name: item for item in self.inputs}
        if not self.features:
            return Intake([own[name] for name in names], [], self.missing)
        by_name = {item.name: item for item in self.features}
        features = [by_name[name] for name in names]
        inputs = [own[name] for name in dict.fromkeys(item.column for item in features)]
        derives = any(item.part or item.offset for item in features)
        return Intake(inputs, features if derives else [], self.missing)

    def take(self, given: pd.DataFrame) -> pd.DataFrame:
        """Returns what the file takes, in its order: float32 and texts."""
        if not self.features:
            return given
        columns = {name: given[name].to_numpy() for name in given.columns}
        return pd.DataFrame(self.derive(columns), index=given.index)

    def derive(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the same of arrays by name."""
        return derive(given, self.inputs, self.features) if self.features else dict(given)


def learnt(inputs: list[Input], given: Mapping[str, np.ndarray], missing: list[str]) -> Intake:
    """Returns how these inputs are taken, from training rows whose numbers are in double precision."""
    return _intake(inputs, missing, lambda item: _of_rows(item, given[item.name]))


def plain(inputs: list[Input], missing: list[str]) -> Intake:
    """Returns how code of the user's own takes them: numbers as they are, and all parts of a time without an offset."""
    return _intake(inputs, missing, lambda item: [(name, 0.0) for name in _parts(item)])


def _parts(item: Input) -> tuple[Part | None, ...]:
    return get_args(Part) if item.type == "Timestamp" else (None,)


def _intake(
    inputs: list[Input], missing: list[str], of: Callable[[Input], Iterable[tuple[Part | None, float]]]
) -> Intake:
    features: list[Feature] = []
    taken = {item.name for item in inputs}
    for item in inputs:
        for name, offset in of(item):
            own = item.name if name is None else _free(f"{item.name}.{name}", taken)
            taken.add(own)
            features.append(Feature(name=own, column=item.name, part=name, offset=offset))
    derives = any(item.part or item.offset for item in features)
    return Intake(inputs, features if derives else [], missing)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _of_rows(item: Input, values: np.ndarray) -> Iterator[tuple[Part | None, float]]:
    """Yields the parts of a column that a model can learn from, each with its offset."""
    if item.type != "Timestamp":
        yield None, offset_of(values) if item.datatype == "FP32" else 0.0
        return
    known = values[~np.isnat(values)]
    middle = days(known)
    yield "days", float(np.floor((middle.min() + middle.max()) / 2)) if len(middle) else 0.0
    for name in _parts(item)[1:]:
        if len(np.unique(part(known, str(name), item.time_zone))) > 1:
            yield name, 0.0


def offset_of(values: np.ndarray) -> float:
    """Returns what is subtracted from float64 numbers, so that single precision tells them apart: their middle, or 0 if
    it does so anyway, or if that would not help."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    low, high = float(known.min()), float(known.max())
    size, span = max(abs(low), abs(high)), high - low
    whole = bool((known == np.floor(known)).all())
    if not span or not np.isfinite(span) or size <= EXACT * whole or size < (1 if whole else LOST_BITS) * span:
        return 0.0
    middle = low + span / 2
    return float(np.floor(middle)) if whole else float(np.float32(middle))
