"""Derives what a model's file takes from what the model is asked with: in training, in a batch, in a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelyard_models.instants import part


class Input(Protocol):
    """What is read of an input of a model."""

    @property
    def name(self) -> str: ...
    @property
    def time_zone(self) -> str | None: ...


class Feature(Protocol):
    """What is read of a feature: of ``modelyard_api.fields.artifact.Feature``, or of the server's manifest."""

    @property
    def name(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def part(self) -> str | None: ...
    @property
    def offset(self) -> float: ...


def derive(
    given: Mapping[str, NDArray[Any]], inputs: Iterable[Input], features: Iterable[Feature]
) -> dict[str, NDArray[Any]]:
    """Returns feature name -> float32 or texts [rows], from the inputs by their names: numbers in single precision, or
    in double precision if they have an offset, texts, and instants as ``datetime64[us]``."""
    zones = {item.name: item.time_zone for item in inputs}
    return {item.name: _feature(given[item.column], item, zones[item.column]) for item in features}


def _feature(values: NDArray[Any], feature: Feature, zone: str | None) -> NDArray[Any]:
    if feature.part is not None:
        values = part(values, feature.part, zone)
    if values.dtype == object:
        return values
    if feature.offset:
        values = values - feature.offset
    with np.errstate(over="ignore"):  # what single precision can't hold is refused before
        return values.astype(np.float32, copy=False)
