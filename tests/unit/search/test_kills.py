"""Kills the pods of a sweep, real processes with a real tracking server: each trial is finished exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.tracking import Tracking
from tests.unit.search.pods import Pods

Make = Callable[..., Pods]


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    with Tracking(tmp_path_factory.mktemp("tracking")) as server:
        yield server


@pytest.fixture
def make(tracking: Tracking, tmp_path: Path) -> Iterator[Make]:
    made: list[Pods] = []

    def new(uid: str, **more: Any) -> Pods:
        made.append(Pods(tracking, tmp_path, uid, **more))
        return made[-1]

    yield new
    for pods in made:
        pods.close()


def finished_once(pods: Pods, trials: int) -> None:
    told = Counter(entry["trial"] for entry in pods.entries() if entry["event"] == "told")
    assert told == Counter(range(trials)), "each is told once"
    result = pods.result()
    assert (result.running, result.succeeded + result.failed) == (0, trials)
    assert result.best is not None
    assert result.best.value > 0.9
    assert result.untracked == 0
    runs = pods.tracked()
    assert len(runs) == trials + 1, "one a trial, and that of the sweep"
    assert Counter("mlflow.parentRunId" in tags for tags in runs) == {True: trials, False: 1}


def test_a_killed_worker(make: Make) -> None:
    pods = make("worker", parallelTrials=2)
    pods.start(0)
    pods.start(1)
    pods.until_finished(10)
    pods.kill(1)
    assert pods.wait(0) == [0]
    finished_once(pods, 60)


def test_a_killed_coordinator(make: Make) -> None:
    """Its pod goes with its own worker, and another one begins from the journal, while the other worker goes on."""
    pods = make("coordinator", parallelTrials=2, maxTrials=40)
    pods.start(0)
    pods.start(1)
    for finished in (10, 25):
        pods.until_finished(finished)
        pods.kill(0)
        pods.start(0)
    assert pods.wait(0, 1) == [0, 0]
    finished_once(pods, 40)
    starts = {name.split("-")[0] for name in pods.store.names(f"{pods.task.base_uri}/journal")}
    assert len(starts) == 3


def test_a_stopped_search_is_ended_in_the_tracking_server_until_it_goes_on(make: Make) -> None:
    pods = make("stopped", parallelTrials=2, maxTrials=40)
    pods.start(0)
    pods.start(1)
    pods.until_finished(10)
    assert pods.stop(1) == 143
    assert pods.statuses()["sweep RUNNING"] == 1, "one worker is not the search"
    assert pods.stop(0) == 143
    assert pods.statuses()["sweep KILLED"] == 1
    pods.start(0)
    assert pods.wait(0) == [0]
    assert pods.statuses() == {"FINISHED": 40, "sweep FINISHED": 1}
    finished_once(pods, 40)


def test_the_same_seed_and_one_worker_try_the_same(make: Make) -> None:
    proposals = []
    for uid in ("first", "second"):
        pods = make(uid, maxTrials=12, sampler={"seed": 7})
        pods.start(0)
        assert pods.wait(0) == [0]
        proposals.append([entry["proposal"] for entry in pods.entries() if entry["event"] == "asked"])
    assert proposals[0] == proposals[1]
    assert len(proposals[0]) == 12
    assert len({str(proposal) for proposal in proposals[0]}) > 8


def test_too_many_failed_trials(make: Make) -> None:
    bad = {"algorithm": "LogisticRegression", "params": {"penalty": {"values": ["elasticnet"]}}}
    pods = make("bad", maxFailedTrials=2, search={"candidates": [bad]})
    pods.start(0)
    assert pods.wait(0) == [2]
    error = pods.store.get_json(pods.task.result_uri)["error"]
    assert error["reason"] == "TooManyFailedTrials"
    assert "3 trials have failed, 2 may" in error["message"]
    assert pods.statuses() == {"FAILED": 3, "sweep FAILED": 1}
    assert "l1_ratio" in error["message"] or "elasticnet" in error["message"]
