"""Reads what the entrypoint of a Workspace says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from modelyard.engine.plan import Unavailable
from modelyard_api.kinds.workspace import Person
from modelyard_api.wire.workspace import Health


@dataclass(frozen=True, slots=True)
class Answer:
    """``missing`` are the people whose token is not there, and ``problems`` what the pod wants to be told."""

    missing: tuple[Person, ...] = ()
    problems: tuple[str, ...] = ()


def read(fact: bytes | Unavailable, people: Sequence[Person]) -> Answer | None:
    """Returns the pod's answer, or None if it gave none, or not in this form (an image of the user's own)."""
    if isinstance(fact, Unavailable):
        return None
    try:
        health = Health.model_validate_json(fact)
    except ValidationError:
        return None
    missing = tuple(person for person in people if person.name not in health.people)
    return Answer(missing, tuple(problem[:300] for problem in health.problems[:3]))
