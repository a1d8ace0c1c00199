"""The seed of everything that tests draw at random: a new one each day, so that the samples add up over time."""

from __future__ import annotations

import datetime
import os

VARIABLE = "MODELYARD_SEED"


def seed() -> int:
    """Returns ``$MODELYARD_SEED``, to repeat a run, or else the days since the year 1, in UTC.

    Raises ValueError if the variable is no whole number.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return datetime.datetime.now(datetime.UTC).toordinal()
    if not given.isdecimal():
        raise ValueError(f"{VARIABLE}={given!r}: it must be a whole number, say 740000")
    return int(given)


def banner() -> str:
    return f"seed {seed()} ({VARIABLE}={seed()} repeats what is drawn)"
