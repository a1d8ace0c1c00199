"""Judges Disagreement: the share of requests answered by both versions whose answers differ."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.finding import Finding, percent, verdict

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches

TOLERANCE = 0.01
"""Default tolerance of numbers, relative to the greater one."""


def disagreement(
    limit: float, tolerance: float | None, least: int, candidate: Sketches, stable: Sketches, alpha: float
) -> Finding:
    """Returns Failed if the share of answer pairs that differ is above ``limit``, by the test ``log_evidence``. That is
    wrong with a probability of at most ``alpha`` over any number of looks. A pair is two answers to the same
    request. Returns Inconclusive for fewer than ``least`` pairs.

    Two answers of models with labels differ if a label does, whatever the probabilities. Other answers differ if one
    of the first numbers does. Answers are paired by the hash of the prediction's id: the servers sample the same ids
    (``modelyard_api.wire.answers``), and keep fewer, at a higher level, when space runs out. The pairs of each level
    grow with time, so each level has its own test, and level L gets 1 / ((L + 1) (L + 2)) of ``alpha``; these parts sum
    to the whole.
    """
    # Import here, so that an operator without a rollout need not load NumPy.
    from modelyard_api.wire.answers import compare

    candidate_answers, stable_answers = candidate.answers, stable.answers
    if candidate_answers is None or stable_answers is None:
        name = "candidate" if candidate_answers is None else "stable version"
        return Finding("Inconclusive", f"the {name}'s servers kept no answers")
    if candidate_answers.kind != stable_answers.kind:
        return Finding("Inconclusive", "of the two versions one answers with labels, the other with numbers alone")
    comparison = compare(candidate_answers, stable_answers, TOLERANCE if tolerance is None else tolerance)
    if comparison.pairs < max(least, 1):
        return Finding(
            "Inconclusive",
            f"{comparison.pairs} requests of {least} were answered by both versions under an id of their own: clients "
            "must send one with each, as id of the body or as header x-request-id, if the gateway sends none",
        )
    share, level = comparison.different / comparison.pairs, comparison.level
    needed = log((level + 1) * (level + 2) / alpha)
    proven = log_evidence(comparison.different, comparison.pairs, limit) > needed
    message = f"{percent(share)} of {comparison.pairs} requests were answered differently, max {percent(limit)}"
    return Finding(verdict(within=share <= limit, proven=proven), message)
