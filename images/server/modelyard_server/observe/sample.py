"""The sample of answers being filled; the prediction's id decides which are in it (``modelyard_api.wire.answers``)."""

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
"""Most answers in the sample of one window."""
ROWS = 256
"""Most rows of a request whose labels are kept: the first ones."""


def hashed(prediction: str) -> bytes:
    """Returns a 64-bit hash of a prediction's id, most significant byte first."""
    return hashlib.blake2b(prediction.encode(), digest_size=8).digest()


class Sample:
    """The sample of one model in one window. Only the event loop's thread may use it.

    If the model has labels (texts, whole numbers, booleans) only those are kept: probabilities beside them may differ
    without changing the decision. An answer to a request that asked for no label is then not kept.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._labels = frozenset(output.name for output in manifest.outputs if output.datatype != NUMBER)
        self._kind: Kind = "Labels" if self._labels else "Numbers"
        self._level, self._top = 0, top(0).to_bytes(8, "big")
        self._answers: dict[bytes, bytes] = {}
        self._repeated: set[bytes] = set()
        """``_repeated`` has the hashes of the ids that came more than once."""

    def fold(self, batch: Sequence[Seen]) -> None:
        """Adds the predictions whose ids are sampled; one without an id is part of a request sampled before."""
        for request, arrays in batch:
            if request.id and (key := hashed(request.id)) <= self._top:
                self._take(key, request, arrays)

    def _take(self, key: bytes, request: Inference, arrays: list[NDArray[Any]]) -> None:
        if key in self._answers:
            self._repeated.add(key)
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
        self._repeated &= self._answers.keys()

    def freeze(self) -> Answers:
        """Returns the current sample."""
        answers = self._answers
        entries = [key + answer for key, answer in answers.items()] + [key + answers[key] for key in self._repeated]
        return Answers(self._kind, self._level, b"".join(entries))
