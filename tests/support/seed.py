"""The seed of all that tests draw at random: another one each day, so that what is sampled adds up over time."""

from __future__ import annotations

import datetime
import os

VARIABLE = "MODELYARD_SEED"


def seed() -> int:
    """``$MODELYARD_SEED``, to repeat a run; else today's date in UTC, say 20260131. Raises ValueError for no number."""
    given = os.environ.get(VARIABLE)
    if given is None:
        return int(f"{datetime.datetime.now(datetime.UTC):%Y%m%d}")
    if not given.isdecimal():
        raise ValueError(f"{VARIABLE}={given!r}: it must be a whole number, say 20260131")
    return int(given)


def told() -> str:
    return f"seed {seed()} ({VARIABLE}={seed()} repeats what is drawn)"
