"""The declared space: its distributions, and the estimator that a proposal stands for.

A proposal is a plain dict: ``candidate`` is an index, ``<candidate>.<parameter>`` a number or the index of a value,
``select`` the index of a method and ``keep`` its number of columns. Parameters of other candidates are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from modelyard_api.fields.search import ParameterSpace, Search
from modelyard_api.fields.space import is_integer
from modelyard_api.fields.trainer import Estimator, Features, FeatureSelection

Proposal = dict[str, Any]


class Draw(Protocol):
    """Draws one value of a proposal."""

    def choice(self, name: str, count: int) -> int: ...
    def integer(self, name: str, low: int, high: int, log: bool) -> int: ...
    def number(self, name: str, low: float, high: float, log: bool) -> float: ...


def propose(search: Search, draw: Draw) -> Proposal:
    """Draws a whole proposal."""
    index = draw.choice("candidate", len(search.candidates))
    proposal: Proposal = {"candidate": index}
    candidate = search.candidates[index]
    for name, space in sorted(candidate.params.items()):
        key = f"{index}.{name}"
        if space.values is not None:
            proposal[key] = draw.choice(key, len(space.values))
            continue
        low, high = _ends(space)
        if is_integer(candidate.algorithm, name, space):
            proposal[key] = draw.integer(key, int(low), int(high), space.log)
        else:
            proposal[key] = draw.number(key, low, high, space.log)
    features = search.features
    proposal["select"] = draw.choice("select", len(features.select))
    if features.select[proposal["select"]] != "None" and features.keep:
        proposal["keep"] = draw.integer("keep", features.keep.low, features.keep.high, False)
    return proposal


def estimator(search: Search, proposal: Proposal) -> Estimator:
    """Returns the estimator that a proposal stands for, as a TrainingRun's spec has it."""
    index = proposal["candidate"]
    candidate = search.candidates[index]
    method = search.features.select[proposal["select"]]
    select = None if method == "None" else FeatureSelection(method=method, keep=proposal["keep"])
    return Estimator(
        algorithm=str(candidate.algorithm),
        params=dict(_values(candidate.params, index, proposal)),
        features=Features(select=select),
    )


def _values(params: dict[str, ParameterSpace], index: int, proposal: Proposal) -> Iterator[tuple[str, Any]]:
    for name, space in sorted(params.items()):
        drawn = proposal[f"{index}.{name}"]
        value = drawn if space.values is None else space.values[drawn]
        if value is not None:  # None is allowed only where it is the default
            yield name, value


def _ends(space: ParameterSpace) -> tuple[float, float]:
    assert space.low is not None
    assert space.high is not None
    return space.low, space.high
