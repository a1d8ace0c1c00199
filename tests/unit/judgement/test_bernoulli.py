"""Checks the evidence of Bernoulli tests: exact, and never more than its martingale property allows."""

from __future__ import annotations

from math import comb, exp, inf, log

import pytest
from scipy.stats import beta

from modelyard.judgement.bernoulli import log_evidence
from modelyard.judgement.beta import log_above
from modelyard_api.wire.bounds import radius

SHARES = [0.001, 0.01, 0.05, 0.3, 0.5, 0.9, 0.99]


@pytest.mark.parametrize("a", [0.5, 1.0, 7.0, 400.0, 1e6])
@pytest.mark.parametrize("b", [0.5, 1.0, 100.0, 3e4, 1e6])
def test_the_tail_of_beta_is_that_of_scipy(a: float, b: float) -> None:
    for x in (0.0, 1e-6, 0.01, 0.3, 0.5, 0.9, 1.0):
        exact = beta.logsf(x, a, b)
        if exact > -700:
            assert log_above(x, a, b) == pytest.approx(exact, rel=1e-7, abs=1e-9)
        else:
            assert log_above(x, a, b) < -600, "too small for SciPy's float"


@pytest.mark.parametrize("limit", SHARES)
def test_at_the_limit_evidence_is_a_fair_game(limit: float) -> None:
    """The evidence's mean over all outcomes is 1 after any number of trials, and less for a share below the limit."""
    for trials in (1, 2, 60):
        for share, upper_bound in ((limit, 1 + 1e-9), (limit / 2, 1 - 1e-6)):
            chances = [comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(trials + 1)]
            mean = sum(chance * exp(log_evidence(k, trials, limit)) for k, chance in enumerate(chances))
            assert mean <= upper_bound
            if share == limit:
                assert mean == pytest.approx(1)


@pytest.mark.parametrize("limit", SHARES)
def test_the_next_trial_is_a_fair_game_too(limit: float) -> None:
    """The evidence is a martingale, so judging after every request doesn't raise the share of false alarms."""
    for successes, trials in ((0, 0), (1, 5), (30, 40), (3, 1000)):
        mean = limit * exp(log_evidence(successes + 1, trials + 1, limit))
        mean += (1 - limit) * exp(log_evidence(successes, trials + 1, limit))
        assert mean == pytest.approx(exp(log_evidence(successes, trials, limit)))


def test_evidence_rises_with_successes() -> None:
    for limit in SHARES:
        evidence = [log_evidence(successes, 200, limit) for successes in range(201)]
        assert evidence == sorted(evidence)


def test_the_ends() -> None:
    assert log_evidence(1, 10, 0.0) == inf, "not one is allowed"
    assert log_evidence(0, 10, 0.0) == 0.0
    assert log_evidence(10, 10, 1.0) == 0.0, "all are allowed"
    assert log_evidence(0, 0, 0.5) == 0.0
    assert log_evidence(2_000_000, 100_000_000, 0.01) > 100_000, "an hour of many pods"
    assert log_evidence(900_000, 100_000_000, 0.01) < 0


def test_the_radius_shrinks_with_the_smaller_sample() -> None:
    radii = [radius(size, 9 * size, log(4), 0.001) for size in (10, 100, 300, 1000, 10_000, 1_000_000)]
    assert radii == sorted(radii, reverse=True)
    assert radii[2] == pytest.approx(0.133, abs=0.005)
    assert radii[-1] < 0.003
    assert radius(0, 100, 0.0, 0.001) == 1.0
