"""Checks which end states the fault harness treats as equal, and which faults it reports."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from modelyard_api.kinds.trainingrun import TrainingRun
from tests.harness.faults.judge import ALLOWANCE, judge
from tests.harness.faults.play import Ended
from tests.harness.faults.state import masked, wrong

RUN, JOB = "0f3b1c2d-0000-4000-8000-000000000001", "0f3b1c2d-0000-4000-8000-000000000002"
RUNS = TrainingRun.info.plural
OTHER = "ffffffff-0000-4000-8000-000000000009"


def state(run_uid: str = RUN, hash_: str = "12345678", **status: Any) -> dict[str, list[dict[str, Any]]]:
    owner = {"kind": "TrainingRun", "name": "first", "uid": run_uid}
    time = "2026-01-05T12:00:00Z"
    run = {
        "metadata": {"name": "first", "namespace": "f1", "uid": run_uid, "resourceVersion": "7", "generation": 1},
        "status": {"job": f"first-train-{hash_}", "startTime": time, **status},
    }
    job = {"metadata": {"name": f"first-train-{hash_}", "namespace": "f1", "uid": JOB, "ownerReferences": [owner]}}
    return {RUNS: [run], "jobs": [job]}


def test_uids_times_and_hashes_of_uids_are_masked() -> None:
    later = state(OTHER, "abcdef01", startTime="2026-01-05T12:34:56Z")
    assert masked(state(), "f1") == masked(later, "f1")


@pytest.mark.parametrize("change", [{"score": "0.93"}, {"startTime": None}, {"job": "other"}])
def test_what_a_status_says_is_not(change: dict[str, Any]) -> None:
    assert masked(state(), "f1") != masked(state(**change), "f1")


def test_an_owner_of_another_uid_is_seen() -> None:
    other = state()
    other["jobs"][0]["metadata"]["ownerReferences"][0]["uid"] = OTHER
    assert masked(state(), "f1") != masked(other, "f1")
    assert wrong(state()) == []
    assert wrong(other) == ["jobs/first-train-12345678 is an orphan: its owner TrainingRun first is gone"]


def test_what_ends_for_ever_is_seen() -> None:
    stuck = state()
    stuck[RUNS][0]["metadata"] |= {"deletionTimestamp": "2026-01-05T12:00:00Z", "finalizers": ["a"]}
    assert wrong(stuck) == [f"{RUNS}/first is stuck in deletion, finalizers ['a']"]


@pytest.mark.parametrize(
    ("ended", "complaints"),
    [
        (Ended(state={"a": "1"}, created=Counter(a=1), writes=["w"]), []),
        (Ended(state={"a": "1"}, created=Counter(a=2), writes=["w"]), ["a was made 2 times, not 1"]),
        (Ended(state={}, created=Counter(a=1), writes=["w"]), ["a differs:"]),
        (Ended(state={"a": "1"}, created=Counter(a=1), writes=["w"] * (2 + ALLOWANCE)), ["8 writes, 7 more"]),
        (Ended(state={"a": "1"}, created=Counter(a=1), writes=["w"] * (2 + ALLOWANCE), refused=1), []),
        (Ended(state={"a": "1"}, created=Counter(a=1), writes=["w"], wrong=["it is stuck"]), ["it is stuck"]),
    ],
)
def test_judge(ended: Ended, complaints: list[str]) -> None:
    lines = judge(Ended(state={"a": "1"}, created=Counter(a=1), writes=["w"]), ended)
    assert len(lines) >= len(complaints)
    assert all(line.startswith(start) for line, start in zip(lines, complaints, strict=False))
    assert bool(lines) is bool(complaints)


@pytest.mark.parametrize(
    ("late", "times", "at_the_end", "good"),
    [
        ("create jobs a-train-# #1", 2, {}, True),
        ("apply jobs a-train-# #1", 2, {}, True),
        ("patch jobs a-train-# #1", 2, {}, False),
        ("create jobs a-train-# #1", 3, {}, False),
        ("create jobs a-train-# #1", 2, {"jobs/a-train-#": "1"}, False),
        ("create jobs b-train-# #1", 2, {}, False),
        ("create trainingruns a #1", 2, {}, True),
        ("patch trainingruns a #1", 2, {}, False),
        ("create trainingruns a #1", 3, {}, False),
        ("create trainingruns a #1", 2, {"jobs/a-train-#": "1"}, False),
        ("", 2, {}, False),
    ],
)
def test_a_create_that_arrives_after_its_owners_end_is_collected(
    late: str, times: int, at_the_end: dict[str, str], good: bool
) -> None:
    name = "jobs/a-train-#"
    learnt, ended = (Ended(state=at_the_end, created=Counter({name: count}), writes=["w"]) for count in (1, times))
    assert (judge(learnt, ended, late) == []) is good


@pytest.mark.parametrize(("more", "good"), [({}, True), ({"jobs/a-source-# (2)": "1"}, False)])
def test_one_of_several_that_is_made_late_is_collected_too(more: dict[str, str], good: bool) -> None:
    name = "jobs/a-source-#"
    learnt = Ended(state={name: "1"}, created=Counter({name: 4}), writes=["w"])
    ended = Ended(state={name: "1", **more}, created=Counter({name: 5}), writes=["w"])
    assert (judge(learnt, ended, "create jobs a-source-# #1") == []) is good
    assert judge(learnt, ended) != []
