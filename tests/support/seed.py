"""The seed of all that tests draw at random: another one each day, so that what is sampled adds up over time."""

from __future__ import annotations

import datetime
import os

VARIABLE = "MODELYARD_SEED"


def seed() -> int:
    """``$MODELYARD_SEED``, to repeat a run; else the days since the year 1, in UTC. Raises ValueError for no number."""
    given = os.environ.get(VARIABLE)
    if given is None:
        return datetime.datetime.now(datetime.UTC).toordinal()
    if not given.isdecimal():
        raise ValueError(f"{VARIABLE}={given!r}: it must be a whole number, say 740000")
    return int(given)


def told() -> str:
    return f"seed {seed()} ({VARIABLE}={seed()} repeats what is drawn)"
