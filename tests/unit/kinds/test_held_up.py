"""Checks that whatever holds the pods of a Job up is told, by every kind that has Jobs, and no more once it is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.resource import BATCH_PREDICTIONS, PIPELINE_RUNS, PIPELINE_SOURCES, SWEEPS, TRAINING_RUNS, Object
from tests.unit.kinds import test_batchprediction, test_pipelinesource, test_sweep
from tests.unit.kinds.objects import active, pod, set_job
from tests.unit.kinds.pipelines import CHECK, job_of, pipeline_run, step
from tests.unit.kinds.test_quota import FULL, refused
from tests.unit.kinds.test_trainingrun import start, with_data
from tests.unit.kinds.world import World


@dataclass
class Held:
    """An object with a Job, and how it tells what the Job's pods are held up by."""

    world: World
    job: Object
    told: Callable[[], tuple[str, str]]

    def by(self, *pods: Object, **status: Any) -> tuple[str, str]:
        self.world.pods[self.job["metadata"]["uid"]] = list(pods)
        set_job(self.world, self.job, startTime=self.job["metadata"]["creationTimestamp"], **status)
        self.world.tick(21)
        return self.told()


def of_training_run() -> Held:
    world = with_data()
    start(world)
    return Held(world, job_of(world, "TrainingRun", "forest"), lambda: world.condition(TRAINING_RUNS, "forest")[1:])


def of_sweep() -> Held:
    world = with_data()
    test_sweep.start(world, modelRef=None)
    return Held(world, test_sweep.job_of(world), lambda: world.condition(SWEEPS, test_sweep.NAME)[1:])


def of_prediction() -> Held:
    world, name = test_batchprediction.done()
    spec = world.get(BATCH_PREDICTIONS, name)["spec"]
    other = {**world.get(BATCH_PREDICTIONS, name), "metadata": {"name": "held", "namespace": "team"}, "spec": spec}
    world.put(BATCH_PREDICTIONS, {key: value for key, value in other.items() if key != "status"})
    world.settle()
    return Held(world, job_of(world, "BatchPrediction", "held"), lambda: world.condition(BATCH_PREDICTIONS, "held")[1:])


def of_step() -> Held:
    world = with_data()
    world.put(PIPELINE_RUNS, pipeline_run(steps=[CHECK]))
    world.settle()

    def told() -> tuple[str, str]:
        status = step(world, "once", "check")
        reason, message = world.condition(PIPELINE_RUNS, "once")[1:]
        assert reason == "Running"
        assert message.startswith(f"step check: {status['reason']}: ")
        return status["reason"], status["message"]

    return Held(world, job_of(world, "PipelineRun", "once"), told)


def of_look() -> Held:
    world = test_pipelinesource.Repository()
    world.source()
    return Held(world, world.job, lambda: world.condition(PIPELINE_SOURCES, test_pipelinesource.NAME, "Fetched")[1:])


def of_build() -> Held:
    world = test_pipelinesource.Repository()
    world.source()
    world.end()
    return Held(world, world.job, lambda: world.condition(PIPELINE_SOURCES, test_pipelinesource.NAME)[1:])


def no_node(held: Held) -> tuple[str, str]:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient cpu"}
    return held.by(pod(held.job, conditions=[condition]), active=1, ready=0)


def no_image(held: Held) -> tuple[str, str]:
    return held.by(pod(held.job, waiting={"reason": "ImagePullBackOff"}), active=1, ready=0)


def no_memory(held: Held) -> tuple[str, str]:
    return held.by(pod(held.job, terminated={"exitCode": 137, "reason": "OOMKilled"}), active=0, failed=1)


def no_quota(held: Held) -> tuple[str, str]:
    refused(held.world, held.job, FULL)
    held.world.tick(21)
    return held.told()


def no_volume(held: Held) -> tuple[str, str]:
    waits = pod(held.job, waiting={"reason": "ContainerCreating"})
    waits["metadata"] |= {"namespace": "team", "uid": "p-1"}
    at = timestamp(held.world.now)
    words = 'MountVolume.SetUp failed for volume "git" : secret "git" not found'
    event = {"metadata": {"creationTimestamp": at}, "reason": "FailedMount", "note": words, "eventTime": at}
    held.world.events["p-1"] = [event]
    return held.by(waits, active=1, ready=0)


@pytest.mark.parametrize(
    ("hold", "reason", "says"),
    [
        (no_node, "Unschedulable", "2 Insufficient cpu"),
        (no_image, "ImagePullFailed", "image"),
        (no_memory, "OOMKilled", "memory limit of 1Gi"),
        (no_quota, "QuotaExceeded", "pods can't be created: exceeded quota: q"),
        (no_volume, "VolumeNotMounted", 'secret "git" not found'),
    ],
)
@pytest.mark.parametrize("begin", [of_training_run, of_sweep, of_prediction, of_step, of_look, of_build])
def test_it_is_told(begin: Callable[[], Held], hold: Callable[[Held], tuple[str, str]], reason: str, says: str) -> None:
    held = begin()
    told = hold(held)
    assert told[0] == reason
    assert says in told[1]
    assert any(note[1] == reason for note in held.world.notes), "an Event tells it"
    held.world.events.clear()
    total = held.job["spec"].get("completions", 1)
    if isinstance(held.world, test_pipelinesource.Repository):
        held.world.end()  # a look tells how it has ended, not that it runs
    else:
        active(held.world, held.job, ready=total)
        held.world.tick(10)
    assert held.told()[0] != reason


def test_a_searching_sweep_tells_what_holds_one_of_its_workers_up() -> None:
    world = with_data()
    test_sweep.start(world, modelRef=None, parallelTrials=3)
    job = test_sweep.job_of(world)
    index, up = "batch.kubernetes.io/job-completion-index", [{"type": "Ready", "status": "True"}]
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    pods = [pod(job, conditions=up), pod(job, conditions=[condition]), pod(job, conditions=up)]
    for number, item in enumerate(pods):
        item["metadata"]["annotations"] = {index: str(number)}
    world.pods[job["metadata"]["uid"]] = pods
    active(world, job, ready=2)
    test_sweep.part(world, 1, running=2, succeeded=1, failed=0)
    world.tick(21)
    reason, message = test_sweep.ready(world)[1:]
    assert (test_sweep.status(world)["phase"], reason) == ("Running", "Unschedulable")
    assert message.startswith("1 of its 3 pods does not run, the others do: no node can take the pod")
    assert "1 of 4 trials" in message
    assert world.condition(SWEEPS, test_sweep.NAME, "Stalled")[0] == ""
    active(world, job, ready=1)
    pods[0]["status"]["conditions"] = [condition]
    world.tick(10)
    assert (test_sweep.status(world)["phase"], test_sweep.ready(world)[1]) == ("Pending", "Unschedulable")
    assert world.condition(SWEEPS, test_sweep.NAME, "Stalled")[0] == "True"
    active(world, job, ready=3)
    world.tick(10)
    assert test_sweep.ready(world)[1] == "Searching"


def test_the_first_pod_of_a_search_ends_it() -> None:
    """A worker that has never found a node would keep the Job from its end."""
    world = with_data()
    test_sweep.start(world, modelRef=None, parallelTrials=3)
    assert test_sweep.job_of(world)["spec"]["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
