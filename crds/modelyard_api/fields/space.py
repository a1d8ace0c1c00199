"""Checks a search space against what scikit-learn allows, without scikit-learn."""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import dataclass
from typing import Any

from modelyard_api.fields.algorithms import task_of
from modelyard_api.fields.metrics import METRICS
from modelyard_api.fields.parameters import PARAMETERS
from modelyard_api.fields.search import Candidate, ParameterSpace, Search


@dataclass(frozen=True, slots=True)
class Problem:
    reason: str
    message: str


def problem(search: Search, objective: str) -> Problem | None:
    """Returns the first error in a search space, or None."""
    for index, candidate in enumerate(search.candidates):
        field = f"spec.search.candidates[{index}]"
        task, wanted = task_of(candidate.algorithm), METRICS[objective].task
        if task != wanted:
            message = (
                f"{field}.algorithm: {candidate.algorithm} is for {task}, but spec.objective {objective} for {wanted}"
            )
            return Problem("MetricDoesNotFit", f"{message}; change one of them")
        for name, space in candidate.params.items():
            if found := _problem(candidate, name, space, f"{field}.params.{name}"):
                return found
    return None


def is_integer(algorithm: str, name: str, space: ParameterSpace) -> bool:
    """Returns whether a range is one of whole numbers: both ends are, and the parameter takes whole numbers there."""
    return _fits(space.low, "int", _alternatives(algorithm, name)) and _fits(
        space.high, "int", _alternatives(algorithm, name)
    )


def _problem(candidate: Candidate, name: str, space: ParameterSpace, field: str) -> Problem | None:
    known = PARAMETERS[candidate.algorithm]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        message = (
            f"{field}: {candidate.algorithm} has no parameter {name!r} to search; {hint}There are {', '.join(known)}"
        )
        return Problem("UnknownParameter", message)
    if (space.values is None) == (space.low is None):
        return Problem("InvalidParameter", f"{field}: write either low and high, or values")
    allowed = _alternatives(candidate.algorithm, name)
    if space.values is not None:
        bad = [value for value in space.values if not any(_fits(value, item.split()[0], [item]) for item in allowed)]
        return _invalid(field, json.dumps(bad[0]), known[name]) if bad else None
    whole = _fits(space.low, "int", allowed) and _fits(space.high, "int", allowed)
    if whole or (_fits(space.low, "float", allowed) and _fits(space.high, "float", allowed)):
        return None
    return _invalid(field, f"{space.low:g} to {space.high:g}", known[name])


def _invalid(field: str, value: str, allowed: str) -> Problem:
    return Problem(
        "InvalidParameter", f"{field}: {value[:200]} is not allowed; write {allowed.replace('None', 'null')}"
    )


def _alternatives(algorithm: str, name: str) -> list[str]:
    return PARAMETERS[algorithm][name].split(" | ")


def _fits(value: Any, kind: str, allowed: list[str]) -> bool:
    """Returns whether a value is one of the alternatives of this kind."""
    return any(item.split()[0] == kind and _is(value, item) for item in allowed)


def _is(value: Any, allowed: str) -> bool:
    kind = allowed.split()[0]
    if kind in ("int", "float"):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        whole = number and (kind == "float" or value == int(value))
        return whole and _within(value, allowed.split(" ", 1)[1])
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "None":
        return value is None
    if kind == "list":
        return (
            isinstance(value, list) and all(_is(item, "float (-inf, inf)") for item in value) and 0 < len(value) <= 32
        )
    return isinstance(value, str) and repr(value) == allowed


def _within(value: float, interval: str) -> bool:
    low, high = (float(end) for end in interval[1:-1].split(", "))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above and below
