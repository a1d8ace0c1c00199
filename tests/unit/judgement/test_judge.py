"""Checks each metric's rule by a table of observations, verdicts and messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modelyard.judgement import judge
from modelyard_api.kinds.rollout import AnalysisMetric
from modelyard_api.wire.request_counts import Requests
from tests.unit.judgement.samples import metric, requests, sketches, texts


def verdict(rule: AnalysisMetric, candidate: Requests, stable: Requests | None = None) -> tuple[str, str]:
    (result,) = judge([rule], 50, sketches(candidate), None if stable is None else sketches(stable))
    return result.verdict, result.message


@pytest.mark.parametrize(
    ("limit", "errors", "total", "expected"),
    [
        (0.01, 0, 300, "Passed"),
        (0.01, 3, 300, "Passed"),
        (0.01, 6, 300, "Inconclusive"),
        (0.01, 60, 3000, "Failed"),
        (0.01, 16, 300, "Failed"),
        (0.01, 8, 50, "Failed"),
        (0.0, 0, 50, "Passed"),
        (0.0, 1, 50, "Failed"),
        (1.0, 50, 50, "Passed"),
    ],
)
def test_error_rate(limit: float, errors: int, total: int, expected: str) -> None:
    actual, message = verdict(metric("ErrorRate", max=limit), requests(total, errors))
    assert actual == expected, message
    assert f"of {total} requests failed, max {100 * limit:.3g} %" in message


@pytest.mark.parametrize(
    ("ratio", "candidate", "stable", "expected"),
    [
        (1, (3, 300), (27, 2700), "Passed"),
        (1, (0, 300), (0, 2700), "Passed"),
        (1, (1, 300), (0, 2700), "Inconclusive"),
        (1, (5, 300), (27, 2700), "Inconclusive"),
        (1, (15, 300), (27, 2700), "Failed"),
        (1, (120, 6000), (60, 6000), "Failed"),
        (2, (120, 6000), (60, 6000), "Passed"),
        (2, (240, 6000), (60, 6000), "Failed"),
        (2, (8, 300), (0, 2700), "Failed"),
        (1.5, (300, 300), (2700, 2700), "Passed"),
    ],
)
def test_error_ratio(ratio: float, candidate: tuple[int, int], stable: tuple[int, int], expected: str) -> None:
    rule = metric("ErrorRate", maxRatioToStable=ratio)
    actual, message = verdict(rule, requests(*reversed(candidate)), requests(*reversed(stable)))
    assert actual == expected, message


def test_what_is_said_of_a_ratio() -> None:
    rule = metric("ErrorRate", maxRatioToStable=1.5)
    message = "4 % of 500 requests failed, of the stable version's 2 % of 1000 requests: ratio 2, max 1.5"
    assert verdict(rule, requests(500, 20), requests(1000, 20))[1] == message


@pytest.mark.parametrize(
    ("limit", "candidate", "stable", "expected"),
    [
        ({"max": 0.01}, (50, 50), (450, 0), "Failed"),
        ({"max": 0.01}, (50, 25), (450, 0), "Failed"),
        ({"max": 0.01}, (300, 6), (2700, 0), "Inconclusive"),
        ({"max": 0.01}, (300, 3), (2700, 0), "Passed"),
        ({"max": 0.01}, (300, 60), (2700, 540), "Passed"),
        ({"max": 0.01}, (300, 150), (2700, 540), "Failed"),
        ({"max": 0.01}, (300, 0), (2700, 540), "Passed"),
        ({"max": 0.01}, (50, 50), (49, 0), "Inconclusive"),
        ({"max": 0.01}, (50, 50), None, "Inconclusive"),
        ({"max": 0.01}, (50, 0), None, "Passed"),
        ({"maxRatioToStable": 1.5}, (50, 50), (450, 0), "Failed"),
        ({"maxRatioToStable": 1.5}, (300, 60), (2700, 540), "Passed"),
        ({"maxRatioToStable": 1.5}, (300, 1), (2700, 0), "Passed"),
        ({"maxRatioToStable": 1.5}, (300, 2), (2700, 0), "Inconclusive"),
        ({"maxRatioToStable": 1.5}, (300, 180), (2700, 540), "Failed"),
    ],
)
def test_refusals_that_the_stable_version_does_not_have_are_errors(
    limit: dict[str, float], candidate: tuple[int, int], stable: tuple[int, int] | None, expected: str
) -> None:
    """Each pair is a number of requests, and how many of them were answered with 400."""
    others = None if stable is None else requests(stable[0], refused=stable[1])
    actual, message = verdict(metric("ErrorRate", **limit), requests(candidate[0], refused=candidate[1]), others)
    assert actual == expected, message
    assert ("were refused (4xx)" in message) or expected == "Passed"


def test_what_is_said_of_refusals() -> None:
    rule = metric("ErrorRate", max=0.01)
    said = verdict(rule, requests(300, refused=90), requests(2700, refused=27))[1]
    assert said == "0 % of 300 requests failed, max 1 %; 30 % were refused (4xx), of the stable version's 1 %"
    said = verdict(rule, requests(50, refused=50), requests(10))[1]
    assert said.endswith("; 100 % were refused (4xx), the stable version was asked 10 times of 50")


@pytest.mark.parametrize(
    ("kind", "limit", "seconds", "expected"),
    [
        ("LatencyP50", 0.02, {0.01: 200, 0.03: 100}, "Passed"),
        ("LatencyP50", 0.02, {0.01: 140, 0.03: 160}, "Inconclusive"),
        ("LatencyP50", 0.02, {0.01: 100, 0.03: 200}, "Failed"),
        ("LatencyP95", 0.02, {0.01: 290, 0.03: 10}, "Passed"),
        ("LatencyP95", 0.02, {0.01: 280, 0.03: 20}, "Inconclusive"),
        ("LatencyP95", 0.02, {0.01: 250, 0.03: 50}, "Failed"),
        ("LatencyP99", 0.02, {0.01: 299, 0.03: 1}, "Passed"),
        ("LatencyP99", 0.02, {0.01: 295, 0.03: 5}, "Inconclusive"),
        ("LatencyP99", 0.02, {0.01: 275, 0.03: 25}, "Failed"),
        ("LatencyP99", 0.02, {0.0201: 3000}, "Inconclusive"),
        ("LatencyP99", 0.02, {0.022: 300}, "Failed"),
        ("LatencyP99", 200.0, {300.0: 3000}, "Passed"),
    ],
)
def test_latency(kind: str, limit: float, seconds: dict[float, int], expected: str) -> None:
    total = sum(seconds.values())
    actual, message = verdict(metric(kind, max=limit), requests(total, 0, seconds))
    assert actual == expected, message


@pytest.mark.parametrize(
    ("kind", "ratio", "candidate", "stable", "expected"),
    [
        ("LatencyP50", 1.2, {0.01: 300}, {0.01: 300}, "Passed"),
        ("LatencyP50", 1.2, {0.01: 140, 0.03: 160}, {0.01: 300}, "Inconclusive"),
        ("LatencyP50", 1.2, {0.01: 90, 0.03: 210}, {0.01: 300}, "Failed"),
        ("LatencyP50", 3.5, {0.01: 90, 0.03: 210}, {0.01: 300}, "Passed"),
        ("LatencyP99", 1.5, {0.01: 2970, 0.02: 30}, {0.01: 2900, 0.02: 100}, "Passed"),
        ("LatencyP99", 1.5, {0.01: 2800, 0.04: 200}, {0.01: 2900, 0.02: 100}, "Failed"),
        ("LatencyP99", 1.5, {0.01: 2800, 0.04: 200}, {0.01: 285, 0.02: 15}, "Inconclusive"),
        ("LatencyP99", 1.5, {0.04: 3000}, {0.01: 300}, "Inconclusive"),
    ],
)
def test_latency_ratio(
    kind: str, ratio: float, candidate: dict[float, int], stable: dict[float, int], expected: str
) -> None:
    rule = metric(kind, maxRatioToStable=ratio)
    counted = [requests(sum(seconds.values()), 0, seconds) for seconds in (candidate, stable)]
    actual, message = verdict(rule, *counted)
    assert actual == expected, message
    assert f"max {ratio:g}" in message


def test_what_is_said_of_latencies() -> None:
    rule = metric("LatencyP99", maxRatioToStable=1.5)
    actual, message = verdict(rule, requests(3000, 0, {0.01: 2800, 1.5: 200}), requests(3000))
    assert actual == "Failed"
    assert message == "1.48 s of 3000 requests, of the stable version's 9.99 ms of 3000: ratio 148, max 1.5"


@pytest.mark.parametrize(
    ("rule", "candidate", "stable", "message"),
    [
        (metric("ErrorRate", max=0.01), None, None, "the candidate was asked 0 times since the step began, of 50"),
        (metric("ErrorRate", max=0.01), 49, 1000, "the candidate was asked 49 times since the step began, of 50"),
        (metric("LatencyP99", max=1), 49, 1000, "the candidate was asked 49 times"),
        (metric("ErrorRate", maxRatioToStable=1), 50, 49, "the stable version was asked 49 times"),
        (metric("LatencyP50", maxRatioToStable=1), 50, None, "the stable version was asked 0 times"),
        (metric("PredictionShift", max=0.1), 50, 20, "the stable version was asked 20 times"),
        (metric("InputShift", max=0.1), 50, 60, "observed no input in common"),
        (metric("Disagreement", max=0.1), 50, 20, "the stable version was asked 20 times"),
    ],
)
def test_too_little_is_no_verdict(
    rule: AnalysisMetric, candidate: int | None, stable: int | None, message: str
) -> None:
    (result,) = judge([rule], 50, *(None if number is None else sketches(number) for number in (candidate, stable)))
    assert result.verdict == "Inconclusive"
    assert message in result.message


def test_a_limit_needs_no_stable_version() -> None:
    assert verdict(metric("ErrorRate", max=0.01), requests(50))[0] == "Passed"
    assert verdict(metric("LatencyP50", max=0.02), requests(50))[0] == "Passed"


def test_the_error_budget_is_shared() -> None:
    rule, candidate = metric("ErrorRate", max=0.01), sketches(requests(300, 12))
    assert judge([rule], 50, candidate, None)[0].verdict == "Failed"
    assert {result.verdict for result in judge([rule] * 16, 50, candidate, None)} == {"Inconclusive"}
    assert judge([rule], 50, candidate, None, alpha=0.0001)[0].verdict == "Inconclusive"
    assert judge([], 50, candidate, None) == ()


def test_messages_are_bounded() -> None:
    name = "x" * 5000
    columns = [texts({"y" * 60: 500 * share, "z": 500 * (1 - share)}, name) for share in (0, 1)]
    (result,) = judge([metric("PredictionShift", max=0.1)], 50, sketches(500, columns[0]), sketches(500, columns[1]))
    assert result.verdict == "Failed"
    assert len(result.message) <= 256


def test_it_does_not_load_the_library_of_sketches() -> None:
    """An operator without a rollout to judge saves about 12 MB of memory by not loading it and NumPy."""
    code = "import sys, modelyard.judgement; print({'datasketches', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "set()"
