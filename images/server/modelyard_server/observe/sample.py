"""The sample of answers that is being filled: the prediction's id says which ones (``modelyard_api.wire.answers``)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_api.wire.answers import NUMBERS, Answers, Kind, top
from modelyard_server.manifest import NUMBER, Manifest
from modelyard_server.observe.columns import Seen
from modelyard_server.protocol import Inference

MOST = 1024
"""Answers of one window."""
ROWS = 256
"""Of a request with more rows the labels of the first ones are kept."""


def hashed(prediction: str) -> bytes:
    """64 bits of hash of a prediction's id, the most significant first."""
    return hashlib.blake2b(prediction.encode(), digest_size=8).digest()


class Sample:
    """Of one model in one window. Belongs to the event loop's thread.

    Of a model with labels (texts, whole numbers, booleans) they alone are kept, since probabilities beside them may
    differ and decide nothing: an answer to a request that asked for none of them is not kept at all.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._labels = frozenset(output.name for output in manifest.outputs if output.datatype != NUMBER)
        self._kind: Kind = "Labels" if self._labels else "Numbers"
        self._level, self._top = 0, top(0).to_bytes(8, "big")
        self._answers: dict[bytes, bytes] = {}
        self._again: set[bytes] = set()
        """The hashes of ids that came once more."""

    def fold(self, batch: Sequence[Seen]) -> None:
        """Takes the predictions whose ids are sampled; one without an id is part of another, which came before."""
        for request, arrays in batch:
            if request.id and (key := hashed(request.id)) <= self._top:
                self._take(key, request, arrays)

    def _take(self, key: bytes, request: Inference, arrays: list[NDArray[Any]]) -> None:
        if key in self._answers:
            self._again.add(key)
            return
        named = {output.name: array for output, array in zip(request.outputs, arrays, strict=True)}
        if self._labels:
            texts = [[name, named[name][:ROWS].tolist()] for name in sorted(self._labels & named.keys())]
            if not texts:
                return
            answer = hashlib.blake2b(orjson.dumps(texts), digest_size=8).digest()
        else:
            numbers = np.full(NUMBERS, np.nan, "<f4")
            first = np.concatenate([named[name][:NUMBERS].ravel() for name in sorted(named)])[:NUMBERS]
            numbers[: len(first)] = first
            answer = numbers.tobytes()
        self._answers[key] = answer
        if len(self._answers) > MOST:
            self._rise()

    def _rise(self) -> None:
        while len(self._answers) > MOST:
            self._level += 1
            self._top = top(self._level).to_bytes(8, "big")
            self._answers = {key: answer for key, answer in self._answers.items() if key <= self._top}
        self._again &= self._answers.keys()

    def freeze(self) -> Answers:
        """What is kept now."""
        found = self._answers
        entries = [key + answer for key, answer in found.items()] + [key + found[key] for key in self._again]
        return Answers(self._kind, self._level, b"".join(entries))
