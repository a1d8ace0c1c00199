"""Checks what the demo tells of objects and Events, and that it tells it once."""

from __future__ import annotations

from typing import Any

from tests.demo.news import News
from tests.support.kube import Object


def obj(kind: str, name: str, *conditions: tuple[str, str, str, str]) -> Object:
    metadata = {"name": name, "uid": f"uid of {kind} {name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    keys = ("type", "status", "reason", "message")
    items = [dict(zip(keys, item, strict=True)) for item in conditions]
    return {"kind": kind, "metadata": metadata, "status": {"conditions": items}}


def event(about: Object, reason: str, note: str, **more: Any) -> Object:
    regarding = {"uid": about["metadata"]["uid"]}
    return {"regarding": regarding, "reason": reason, "note": note, "type": "Normal", "eventTime": "1", **more}


def told(news: News, objects: list[Object], *events: Object) -> list[str]:
    return [f"{item.mark} {item.name}: {item.text}" for item in news.latest(objects, events)]


def test_a_change_is_told_once_and_again_when_it_comes_back() -> None:
    news = News()
    ready = [obj("Model", "m", ("Ready", "True", "Accepted", "good"))]
    stuck = [obj("Model", "m", ("Ready", "False", "Bad", "bad"), ("Stalled", "True", "Bad", "bad"))]
    assert told(news, ready) == ["+ Model/m: good"]
    assert told(news, ready) == []
    assert told(news, stuck) == ["x Model/m: bad"]
    assert told(news, ready) == ["+ Model/m: good"]


def test_what_is_over_in_a_moment_is_left_out() -> None:
    assert told(News(), [obj("Sweep", "s", ("Ready", "False", "PodPending", "waiting"))]) == []


def test_an_event_is_told_unless_a_condition_says_the_same() -> None:
    run = obj("Pipeline", "p", ("Ready", "True", "Watching", "it waits"))
    started, quiet = event(run, "RunStarted", "PipelineRun p-1: new rows"), event(run, "Watching", "it waits")
    warned = event(run, "SlotsSkipped", "one was skipped", type="Warning")
    assert told(News(), [run], started, quiet, warned) == [
        "* Pipeline/p: PipelineRun p-1: new rows",
        "! Pipeline/p: one was skipped",
        "+ Pipeline/p: it waits",
    ]


def test_a_condition_that_is_false_is_a_warning() -> None:
    monitor = obj("ModelMonitor", "m", ("InputsStable", "False", "Shifted", "mass: 4 was, 5 is"))
    assert told(News(), [monitor]) == ["! ModelMonitor/m: InputsStable is False: mass: 4 was, 5 is"]


def test_a_condition_that_says_what_ready_says_is_not_told() -> None:
    failed = ("TestsPassed", "False", "TestsFailed", "1 of 2 tests failed")
    source = obj("PipelineSource", "s", ("Ready", "False", "TestsFailed", "commit c: 1 of 2 tests failed"), failed)
    assert told(News(), [source]) == [". PipelineSource/s: commit c: 1 of 2 tests failed"]


def test_what_another_object_says_too_is_told_by_that_one() -> None:
    sweep = obj("Sweep", "p-1-s", ("Ready", "True", "Registered", "TrainingRun p-1-t: registered m-v1"))
    training = obj("TrainingRun", "p-1-t", ("Ready", "True", "Registered", "registered m-v1"))
    run = obj("PipelineRun", "p-1")
    assert told(News(), [run, sweep, training]) == ["+ TrainingRun/~t: registered m-v1"]
