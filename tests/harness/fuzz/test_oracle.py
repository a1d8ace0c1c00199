"""Tests what the fuzzer calls a defect and what it doesn't, and that its stories are reproducible by their seed."""

from __future__ import annotations

import copy
import json
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import HealthCheck, Phase

from modelyard_api.kinds.registry import KINDS
from tests.harness.fuzz import oracle, seeds
from tests.harness.fuzz.log import trouble_in
from tests.harness.fuzz.stories import Story, stories
from tests.kinds import SAMPLES
from tests.support.client import Answer


def line(message: str, level: str = "info", **more: str) -> str:
    return json.dumps({"level": level, "message": message, "kind": "Model", "namespace": "n", "name": "m", **more})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (line("pass failed, again in 0.5 s", "error", exception="Traceback\nKeyError"), "traceback: Model/n/m"),
        (line("something", "critical"), "error in the log"),
        (line("pass ended early, again in 0.5 s: 422 Invalid: no", "warning"), "refused for ever"),
        (line("pass ended early, again in 4 s: 500 Unknown: typed patch", "warning"), "refused for ever"),
        (line("the API server changed the status that was written, in ['x']", "warning"), "does not keep"),
        ("Traceback (most recent call last):", "none of its own"),
        (line("pass ended early, again in 0.5 s: 409 Conflict: newer", "info"), None),
        (line("pass ended early, again in 0.5 s: 429 TooManyRequests: slow", "warning"), None),
        (line("refused: InvalidChild: no", "warning"), None),
    ],
)
def test_the_log(text: str, says: str | None) -> None:
    trouble = trouble_in(text)
    assert (trouble is None) if says is None else (trouble is not None and says in trouble)


@pytest.mark.parametrize(
    ("code", "message", "bad"),
    [
        (201, "", False),
        (422, "spec.seed: Invalid value: -1", False),
        (409, 'models "a" already exists', False),
        (500, "spec.seed: oh", True),
        (422, "no", True),
    ],
)
def test_refusals(code: int, message: str, bad: bool) -> None:
    assert bool(list(oracle.refusal(Answer(code, {"message": message})))) == bad


def reported(**change: Any) -> Any:
    item = {"type": "Ready", "status": "False", "reason": "Wrong", "message": "spec.seed: write another", **change}
    stalled = {**item, "type": "Stalled", "status": "True"}
    meta = {"name": "m", "generation": 2}
    return {"kind": "Model", "metadata": meta, "status": {"observedGeneration": 2, "conditions": [item, stalled]}}


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        (reported(), None),
        ({**reported(), "status": None}, "no condition"),
        ({**reported(), "metadata": {"name": "m", "generation": 3}}, "no condition for its generation 3"),
        (reported(reason="two words"), "CamelCase"),
        (reported(message=" "), "without a message"),
        (reported(message="1 validation error for Model"), "innards"),
        (reported(message="it is broken"), "what to do"),
    ],
)
def test_conditions(obj: Any, says: str | None) -> None:
    troubles = list(oracle.bad_conditions(obj))
    assert (troubles == []) if says is None else any(says in trouble for trouble in troubles)


def test_states_are_compared_without_their_past() -> None:
    def state(namespace: str, uid: str, job: str, phase: str) -> Any:
        meta = {"name": "a", "uid": uid}
        steps = [{"name": "score", "object": f"a-score-{job}"}]
        status = {"phase": phase, "job": f"a-train-{job}", "steps": steps, "startTime": "2026-01-01T00:00:00Z"}
        child = {
            "kind": "Job",
            "metadata": {"name": f"a-train-{job}", "ownerReferences": [{"uid": uid}]},
            "spec": {"u": uid},
        }
        foreign = {"kind": "Job", "metadata": {"name": "b", "ownerReferences": [{"uid": "other"}]}, "spec": {}}
        obj = {"kind": "TrainingRun", "metadata": meta, "spec": {"n": namespace}, "status": status}
        return oracle.state(obj, [child, foreign], namespace)

    uids = [f"0000000{n}-0000-0000-0000-000000000000" for n in range(2)]
    first, fresh = state("one", uids[0], "0" * 8, "Pending"), state("two", uids[1], "1" * 8, "Pending")
    assert list(oracle.differences(first, fresh)) == []
    assert len(first["children"]) == 1
    other = state("two", uids[1], "1" * 8, "Failed")
    assert list(oracle.differences(first, other)) == ['.status.phase: "Pending" instead of "Failed"']


def test_numbers_of_pods_are_not_compared_while_older_pods_run() -> None:
    uids = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")

    def pool(uid: str, ready: int, reason: str) -> dict[str, Any]:
        condition = {"type": "Ready", "status": "False", "reason": reason, "message": f"{ready} of 2 pods are ready"}
        status = {"replicas": 2 + bool(ready), "readyReplicas": ready, "conditions": [condition]}
        return {"kind": "ModelPool", "metadata": {"name": "small", "uid": uid}, "spec": {}, "status": status}

    def pods(uid: str, total: int, updated: int) -> list[dict[str, Any]]:
        owner = {"name": "pool-small", "ownerReferences": [{"uid": uid}]}
        return [{"kind": "Deployment", "metadata": owner, "status": {"replicas": total, "updatedReplicas": updated}}]

    assert oracle.has_older_pods(pool(uids[0], 2, "WaitingForPods"), pods(uids[0], 3, 1))
    assert not oracle.has_older_pods(pool(uids[0], 2, "WaitingForPods"), pods(uids[0], 2, 2))
    assert not oracle.has_older_pods(pool(uids[0], 2, "WaitingForPods"), pods(uids[1], 3, 1))
    edited, fresh, other = (
        pool(uids[0], 2, "WaitingForPods"),
        pool(uids[1], 0, "WaitingForPods"),
        pool(uids[1], 0, "No"),
    )
    states = [oracle.state(obj, (), "team", counted=False) for obj in (edited, fresh, other)]
    assert states[0] == states[1] != states[2]
    assert oracle.state(edited, (), "team") != oracle.state(fresh, (), "team")


def generated(seed: int, count: int) -> list[Story]:
    collected: list[Story] = []
    settings = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(story=stories())
    def collect(story: Story) -> None:
        collected.append(copy.deepcopy(story))

    collect()
    return collected


def test_stories_are_the_same_by_their_seed_and_can_be_kept() -> None:
    first = generated(7, 12)
    assert first == generated(7, 12)
    assert first != generated(8, 12)
    assert yaml.safe_load(yaml.safe_dump(first)) == first


def test_stories_are_about_every_kind() -> None:
    entries = [entry for story in generated(7, 9 * len(KINDS)) for entry in story["objects"]]
    assert {entry["manifest"]["kind"] for entry in entries} == KINDS.keys()
    ends = {entry["manifest"]["kind"] for entry in entries if "outcome" in entry}
    assert ends == {kind for kind, model in KINDS.items() if model.info.runs}
    edited = {entry["manifest"]["kind"] for entry in entries if "edits" in entry}
    assert edited == {kind for kind, sample in SAMPLES.items() if not sample.is_immutable}


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_are_what_the_operator_takes(kind: str) -> None:
    for spec in seeds.of(kind):
        KINDS[kind].model_validate({**SAMPLES[kind].make(), "spec": spec})
