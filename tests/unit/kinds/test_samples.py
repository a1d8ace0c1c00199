"""Checks that each kind has a file in tests/kinds that agrees with the kind and that its controller accepts."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import TypeAdapter

from modelyard.engine.resource import Resource
from modelyard_api.fields.facts import WAITING
from modelyard_api.kinds.registry import KINDS
from modelyard_api.wire.result import Result
from modelyard_api.wire.task import Task
from tests.kinds import SAMPLES, Incomplete, checked, collected
from tests.kinds.sample import Sample, merged
from tests.unit.kinds.world import World

RUNS = {kind: sample for kind, sample in SAMPLES.items() if sample.pod}
every_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
every_run = pytest.mark.parametrize("sample", RUNS.values(), ids=RUNS)


def test_a_kind_without_a_file_fails_the_collection() -> None:
    assert SAMPLES.keys() == KINDS.keys()
    with pytest.raises(Incomplete, match=r"Unheard has no tests/kinds/unheard.py: add one with SAMPLE = Sample\(Unhe"):
        collected([*KINDS, "Unheard"])


def test_a_file_that_lacks_something_fails_the_collection() -> None:
    for sample in RUNS.values():
        with pytest.raises(Incomplete, match=r"makes Jobs: add pod=Pod\(...\) to tests/kinds/"):
            checked(dataclasses.replace(sample, pod=None))
    with pytest.raises(Incomplete, match=r"Model has no story: add story=\(...\) to tests/kinds/model.py"):
        checked(dataclasses.replace(SAMPLES["Model"], story=()))


@every_sample
def test_it_is_of_its_kind(sample: Sample) -> None:
    assert SAMPLES[sample.kind.info.kind] is sample
    assert sample.kind.info.runs or not sample.pod
    for change in ({}, *sample.story):
        sample.kind.model_validate(sample.make(change))
    status = sample.kind.model_fields["status"].annotation
    fields = {field.alias or name for name, field in status.model_fields.items()}  # type: ignore[union-attr]
    assert {*sample.past, *sample.of_pods} <= fields


@every_sample
def test_a_new_object_is_told_something(sample: Sample) -> None:
    """A new object gets a condition for each spec of its story, even if nothing that it refers to exists."""
    resource = Resource.of(sample.kind)
    base = {"suspend": False} if "suspend" in sample.spec else {}
    for change in ({}, *(merged(base, change) for change in sample.story)):
        world = World()
        world.put(resource, sample.make(change))
        world.settle()
        conditions = world.status_of(resource, sample.name)["conditions"]
        assert conditions, change
        assert all(item["reason"] and item["message"] for item in conditions), change


@every_sample
def test_many_may_stand_beside_each_other(sample: Sample) -> None:
    resource = Resource.of(sample.kind)
    world = World()
    for number in range(1, 4):
        world.put(resource, sample.beside(number))
    world.settle()
    objects = world.all(resource)
    assert len({obj["metadata"]["name"] for obj in objects}) == 3
    assert all(obj["status"]["conditions"] for obj in objects)


@every_run
def test_a_good_result_is_one(sample: Sample) -> None:
    assert sample.pod is not None
    result = TypeAdapter(Result).validate_python(sample.good_result)
    assert type(result) is sample.pod.result
    assert sample.good_result["kind"] == sample.pod.task.model_fields["kind"].default


def test_every_task_is_somebodys() -> None:
    tasks = [sample.pod.task for sample in RUNS.values() if sample.pod]
    tasks += [sample.task for sample in SAMPLES.values() if sample.task]
    documents = TypeAdapter(Task).json_schema()["discriminator"]["mapping"]
    assert sorted(task.model_fields["kind"].default for task in tasks) == sorted(documents)


@every_run
def test_it_says_when_it_has_understood_that_its_job_is_over(sample: Sample) -> None:
    assert sample.kind.info.runs is not None
    meta = {"name": sample.name}

    def understood(reason: str, **status: str) -> bool:
        conditions = [{"type": "Ready", "status": "False", "reason": reason}]
        return sample.has_understood({"metadata": meta, "status": {"conditions": conditions, **status}}, "job-1")

    assert understood("SomethingElse")
    for reason in (*WAITING, sample.kind.info.runs.under_way):
        assert not understood(reason, job="job-1"), reason


def test_merged() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1], "e": 3}
    assert merged(base, {"a": {"b": None, "x": {"y": 1}}, "d": [2], "e": None}) == {
        "a": {"c": 2, "x": {"y": 1}},
        "d": [2],
    }
    assert base == {"a": {"b": 1, "c": 2}, "d": [1], "e": 3}
