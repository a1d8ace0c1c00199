"""Defines the result of judging one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["Passed", "Failed", "Inconclusive"]


@dataclass(frozen=True)
class Finding:
    """The result for one metric. ``message`` states the values, for people."""

    verdict: Verdict
    message: str


def verdict(*, within: bool, proven: bool) -> Verdict:
    """Returns the verdict from whether the estimate is ``within`` the limit, and whether an excess is ``proven``."""
    if proven:
        return "Failed"
    return "Passed" if within else "Inconclusive"


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"
