"""Checks Disagreement: its verdicts, and its rates of false and of missed rollbacks over random traffic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from modelyard.judgement import judge
from modelyard_api.kinds.modeldeployment import Judged
from modelyard_api.kinds.rollout import AnalysisMetric
from modelyard_api.wire import answers as sampled
from modelyard_api.wire.answers import ENTRIES, Answers, merge
from tests.support.rollouts import FAILURE_LIMIT
from tests.unit.judgement.samples import metric, sketches


def labels(ids: range, others: int = 0, level: int = 0) -> Answers:
    """Returns answers to ``ids`` that are all equal except for the first ``others``."""
    entries = [(id_, int(id_ < ids.start + others)) for id_ in ids]
    return Answers("Labels", level, np.array(entries, ENTRIES["Labels"]).tobytes())


def values(*given: float) -> Answers:
    entries = [(index, (value, *[np.nan] * 3)) for index, value in enumerate(given)]
    return Answers("Numbers", 0, np.array(entries, ENTRIES["Numbers"]).tobytes())


def judged(rule: AnalysisMetric, candidate: Answers | None, stable: Answers | None) -> Judged:
    (result,) = judge([rule], 50, *(replace(sketches(1000), answers=sample) for sample in (candidate, stable)))
    return result


@pytest.mark.parametrize(
    ("limit", "different", "pairs", "expected"),
    [
        (0.01, 0, 50, "Passed"),
        (0.01, 3, 300, "Passed"),
        (0.01, 6, 300, "Inconclusive"),
        (0.01, 16, 300, "Failed"),
        (0.0, 0, 50, "Passed"),
        (0.0, 1, 50, "Failed"),
        (1.0, 50, 50, "Passed"),
        (0.01, 0, 49, "Inconclusive"),
    ],
)
def test_the_share_of_pairs_that_differ(limit: float, different: int, pairs: int, expected: str) -> None:
    """Requests that only one version answered don't count as pairs."""
    result = judged(metric("Disagreement", max=limit), labels(range(pairs + 100), different), labels(range(pairs)))
    assert result.verdict == expected, result.message


@pytest.mark.parametrize(
    ("candidate", "stable", "says"),
    [
        (labels(range(100), 3), labels(range(100)), "3 % of 100 requests were answered differently, max 10 %"),
        (labels(range(100)), labels(range(100, 200)), "0 requests of 50 were answered by both versions under an id of"),
        (labels(range(100)), labels(range(60, 100)), "40 requests of 50 were answered by both versions"),
        (None, labels(range(100)), "the candidate's servers kept no answers"),
        (labels(range(100)), None, "the stable version's servers kept no answers"),
        (labels(range(100)), values(*range(100)), "one answers with labels, the other with numbers"),
    ],
)
def test_what_is_said(candidate: Answers | None, stable: Answers | None, says: str) -> None:
    result = judged(metric("Disagreement", max=0.1), candidate, stable)
    assert says in result.message
    assert result.verdict == ("Passed" if "max" in says else "Inconclusive")


@pytest.mark.parametrize(
    ("more", "expected"), [({}, "Passed"), ({"tolerance": 0.001}, "Failed"), ({"tolerance": 0.0}, "Failed")]
)
def test_numbers_have_a_tolerance(more: dict[str, float], expected: str) -> None:
    candidate, stable = values(*[100.9] * 50), values(*[100.0] * 50)
    assert judged(metric("Disagreement", max=0.1, **more), candidate, stable).verdict == expected


def test_a_halved_sample_needs_more_evidence() -> None:
    verdicts = [
        judged(metric("Disagreement", max=0.01), labels(range(300), 14, level), labels(range(300))).verdict
        for level in (0, 10)
    ]
    assert verdicts == ["Failed", "Inconclusive"]


@dataclass
class Shadow:
    """Samples of both versions; two servers of the stable version have one half each.

    ``differ`` is the share of requests that the versions answer differently.
    """

    differ: float
    random: np.random.Generator

    def __post_init__(self) -> None:
        self.candidate, self.stable = labels(range(0)), [labels(range(0)), labels(range(0))]

    def ask(self, requests: int) -> None:
        ids = self.random.integers(0, 2**64, requests, np.uint64)
        answers = self.random.integers(0, 3, requests)
        candidate_answers = answers + (self.random.random(requests) < self.differ)
        self.candidate = _more(self.candidate, ids, candidate_answers)
        for index, half in enumerate((slice(0, None, 2), slice(1, None, 2))):
            self.stable[index] = _more(self.stable[index], ids[half], answers[half])


def _more(sample: Answers, ids: np.ndarray, answers: np.ndarray) -> Answers:
    entries = np.empty(len(ids), ENTRIES["Labels"])
    entries["id"], entries["answer"] = ids, answers
    return merge([sample, Answers("Labels", 0, entries.tobytes())])


def rolled_back(differ: float, limit: float, looks: int, each: int, trials: int) -> float:
    """Returns the share of rollouts that fail twice in ``looks`` judgements, with ``each`` requests before each one."""
    random, rule, number = np.random.default_rng(8), metric("Disagreement", max=limit), 0
    for _ in range(trials):
        shadow, failures = Shadow(differ, random), 0
        for _ in range(looks):
            shadow.ask(each)
            failures += judged(rule, shadow.candidate, merge(shadow.stable)).verdict == "Failed"
        number += failures >= FAILURE_LIMIT
    return number / trials


@pytest.mark.parametrize("room", [sampled.MOST, 500], ids=["usual", "halved-often"])
@pytest.mark.parametrize(("differ", "limit"), [(0.0, 0.0), (0.05, 0.05)], ids=["equal", "at-limit"])
def test_a_candidate_within_its_limit_is_not_rolled_back(
    differ: float, limit: float, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "MOST", room)
    share = rolled_back(differ, limit, looks=12, each=250, trials=300)
    print(f"\n{100 * differ:g} % differ, max {100 * limit:g} %: {100 * share:.2f} % rolled back falsely")
    assert share < 0.01


def test_with_little_room_the_same_answers_are_left_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST", 500)
    shadow = Shadow(0.1, np.random.default_rng(9))
    for _ in range(30):
        shadow.ask(1000)
        compared = sampled.compare(shadow.candidate, merge(shadow.stable), 0)
        assert 200 < compared.pairs <= 500
        assert compared.level == shadow.candidate.level
    assert compared.level >= 6
    assert 0.05 < compared.different / compared.pairs < 0.17


@pytest.mark.parametrize("limit", [0.01, 0.05])
def test_twice_the_limit_is_found(limit: float) -> None:
    """60 / limit pairs within the step find it 95 times of 100: 6,000 pairs for 1 %, 1,200 for 5 %."""
    share = rolled_back(2 * limit, limit, looks=6, each=int(60 / limit) // 6, trials=100)
    print(f"\ntwice a limit of {100 * limit:g} % and {60 / limit:g} pairs: {100 * share:.0f} % rolled back")
    assert share >= 0.95
