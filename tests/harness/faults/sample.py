"""Which scenarios are sampled on a day: every one in its turn, and one more by what was changed."""

from __future__ import annotations

import random
from collections.abc import Collection

from tests.harness.faults.scenarios import SCENARIOS

FACTOR = 5
"""How much likelier a scenario of a kind that was changed is drawn than another one."""


def kinds(scenario: str) -> tuple[str, ...]:
    """The packages of ``modelyard.kinds`` that its story is about."""
    return tuple(kind.lower() for kind in SCENARIOS[scenario].about)


def scenarios(seed: int, touched: Collection[str]) -> list[str]:
    """Two of them. With seeds that count the days the first one is each scenario in its turn."""
    names = list(SCENARIOS)
    first = names.pop(seed % len(names))
    weights = [FACTOR if set(kinds(name)).intersection(touched) else 1 for name in names]
    return [first, *random.Random(seed).choices(names, weights)]
