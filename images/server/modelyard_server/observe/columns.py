"""The observed columns of a model, and how its requests and answers are folded into their sketches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.sketches import Column
from modelyard_models.instants import days
from modelyard_models.live import Numbers, Texts, sketches_of
from modelyard_server.manifest import Manifest
from modelyard_server.protocol import Inference

PART, PARTS = 16, 4
"""One step folds up to PART columns of numbers; of more than PART * PARTS columns it folds one in PARTS parts."""
Seen = tuple[Inference, list[NDArray[Any]]]
"""A request, and the arrays of the outputs it asked for, in their order."""


class Columns:
    """The sketches of every input and output: the label, the probability of each class, the value."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.predictions = 0
        self._numbers = [(part, Numbers(manifest.number_names[part], "Input")) for part in parts(manifest.number_names)]
        self._instants = {item.name: Numbers([item.name], "Input") for item in manifest.instants}
        self._texts = {name: Texts(name, "Input", _known(manifest, name)) for name in manifest.text_names}
        self._outputs = sketches_of(manifest.outputs, manifest.classes)
        self.width = len(manifest.inputs) + sum(
            len(sketches.names) if isinstance(sketches, Numbers) else 1 for sketches in self._outputs.values()
        )

    def fold(self, batch: Sequence[Seen]) -> Iterator[None]:
        """Folds requests into the sketches, many at once because that is cheap, in steps: the columns agree again only
        after the last step."""
        requests = [request for request, _ in batch]
        self.predictions += sum(request.rows for request in requests)
        matrix = _joined(requests)
        columns = [item.given or item.columns for item in requests if item.columns is not None]
        for part, numbers in self._numbers:
            names = self._manifest.number_names[part]
            numbers.fold(_side_by_side(columns, names) if matrix is None else matrix[:, part])
            yield
        for name, numbers in self._instants.items():
            numbers.fold(days(np.concatenate([request[name] for request in columns])).astype(np.float32))
            yield
        for index, (name, texts) in enumerate(self._texts.items()):
            texts.fold(np.concatenate([request[name] for request in columns]))
            if index % PART == PART - 1:
                yield
        rest = batch
        while rest:
            # One pass is nearly always enough: requests that name no outputs share the manifest's tuple.
            outputs = rest[0][0].outputs
            answers = [arrays for request, arrays in rest if request.outputs is outputs]
            for output, parts in zip(outputs, zip(*answers, strict=True), strict=True):
                self._outputs[output.name].fold(np.concatenate(parts))
            if len(answers) == len(rest):
                break
            rest = [(request, arrays) for request, arrays in rest if request.outputs is not outputs]
            yield

    def freeze(self) -> tuple[Column, ...]:
        """Returns the sketches of the columns as they are now."""
        numbers = [*(group for _, group in self._numbers), *self._instants.values()]
        groups: list[Numbers | Texts] = [*numbers, *self._texts.values(), *self._outputs.values()]
        return tuple(column for group in groups for column in group.freeze())


def parts(names: Sequence[str]) -> list[slice]:
    """Returns the slices of columns of numbers that are folded in one step each."""
    columns, number = len(names), min(PARTS, ceil(len(names) / PART))
    return [slice(columns * part // number, columns * (part + 1) // number) for part in range(number)]


def _joined(requests: list[Inference]) -> NDArray[np.float32] | None:
    """Returns the numbers of all requests, [rows, columns]; None if the requests have columns, not a matrix."""
    if requests[0].matrix is None:
        return None
    return requests[0].matrix if len(requests) == 1 else np.concatenate([item.matrix for item in requests])


def _side_by_side(columns: list[dict[str, NDArray[Any]]], names: Sequence[str]) -> NDArray[np.float32]:
    """Returns the columns with these names of all requests, [rows, columns]."""
    if all(len(request[names[0]]) == 1 for request in columns):
        # Each array holds one value: joining them in memory order takes a third less time.
        joined = np.concatenate([request[name] for request in columns for name in names]).reshape(-1, len(names))
    else:
        joined = np.concatenate([request[name] for name in names for request in columns]).reshape(len(names), -1).T
    return joined.astype(np.float32, copy=False)  # of inputs with an offset the numbers are doubles


def _known(manifest: Manifest, name: str) -> frozenset[str] | None:
    categories = manifest.categories.get(name)
    return None if categories is None else frozenset(categories)
