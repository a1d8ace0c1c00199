"""Chooses the two scenarios of a day: one in its turn, and one drawn at random, preferably about changed kinds."""

from __future__ import annotations

import random
from collections.abc import Collection

from tests.harness.faults.scenarios import SCENARIOS

FACTOR = 5
"""How many times likelier a scenario of a changed kind is drawn than another one."""


def kinds(scenario: str) -> tuple[str, ...]:
    """Returns the packages of ``modelyard.kinds`` that the scenario's story is about."""
    return tuple(kind.lower() for kind in SCENARIOS[scenario].about)


def scenarios(seed: int, touched: Collection[str]) -> list[str]:
    """Returns two scenarios. With seeds that count the days, the first is each scenario in its turn."""
    names = list(SCENARIOS)
    first = names.pop(seed % len(names))
    weights = [FACTOR if set(kinds(name)).intersection(touched) else 1 for name in names]
    return [first, *random.Random(seed).choices(names, weights)]
