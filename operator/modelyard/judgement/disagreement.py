"""Disagreement: the share of the requests that both versions answered, and differently."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, percent, verdict

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches

TOLERANCE = 0.01
"""What numbers may be apart, relative to the greater one, when the metric does not say it."""


def disagreement(
    limit: float, tolerance: float | None, least: int, candidate: Sketches, stable: Sketches, alpha: float
) -> Finding:
    """Failed: the share of pairs of answers to the same request that differ is above ``limit``, by a test
    (``log_evidence``) that is wrong with a probability of ``alpha`` at most, however often it is looked at.
    Inconclusive with fewer than ``least`` pairs.

    Two answers of models with labels differ when a label does, whatever the probabilities beside it; of other models,
    when one of the first numbers does. Answers are paired by the hash of the prediction's id: the servers sample the
    same ids (``modelyard_api.wire.answers``), and take fewer, of a higher level, when there is no room for more.
    The pairs of each level grow with time, so each has a test of its own, and level L gets 1 / ((L + 1) (L + 2)) of
    ``alpha``: these parts sum to the whole.
    """
    # Judged alone: an operator without a rollout need not load NumPy.
    from modelyard_api.wire.answers import compare

    mine, other = candidate.answers, stable.answers
    if mine is None or other is None:
        name = "candidate" if mine is None else "stable version"
        return Finding("Inconclusive", f"the {name}'s servers kept no answers")
    if mine.kind != other.kind:
        return Finding("Inconclusive", "of the two versions one answers with labels, the other with numbers alone")
    found = compare(mine, other, TOLERANCE if tolerance is None else tolerance)
    if found.pairs < max(least, 1):
        return Finding(
            "Inconclusive",
            f"{found.pairs} requests of {least} were answered by both versions under an id of their own: clients must "
            "send one with each, as id of the body or as header x-request-id, if the gateway sends none",
        )
    share, level = found.different / found.pairs, found.level
    needed = log((level + 1) * (level + 2) / alpha)
    proven = log_evidence(found.different, found.pairs, limit) > needed
    message = f"{percent(share)} of {found.pairs} requests were answered differently, max {percent(limit)}"
    return Finding(verdict(within=share <= limit, proven=proven), message)
