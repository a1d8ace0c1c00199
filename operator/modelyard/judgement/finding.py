"""What a rule says of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["Passed", "Failed", "Inconclusive"]


@dataclass(frozen=True)
class Finding:
    """``message`` has the values, for a person."""

    verdict: Verdict
    message: str


def verdict(*, within: bool, proven: bool) -> Verdict:
    """``within``: the estimate is within the limit; ``proven``: the limit is exceeded beyond doubt."""
    if proven:
        return "Failed"
    return "Passed" if within else "Inconclusive"


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"
