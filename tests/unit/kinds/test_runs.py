"""What every kind that runs to completion has in common: its Job's life, told and survived in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import orjson
import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import JOBS, Object, Resource
from modelyard_api.fields.status import is_run
from modelyard_api.wire.task import ANNOTATION
from tests.kinds import SAMPLES
from tests.kinds.sample import Sample
from tests.unit.kinds.objects import active, at, complete, fail, failed, task_of
from tests.unit.kinds.world import NAMESPACE, World

RUNS = [kind for kind, sample in SAMPLES.items() if is_run(sample.kind)]
NAME = "another"


@dataclass
class Stage:
    """A world that has all that an object of the kind needs: one of its own tests' has come to its good end there."""

    sample: Sample
    world: World
    spec: Object

    @property
    def resource(self) -> Resource:
        return Resource.of(self.sample.kind)

    def start(self, **change: Any) -> None:
        self.world.put(self.resource, self.sample.make({**self.spec, "suspend": None, **change}, NAME, NAMESPACE))
        self.world.settle()

    @property
    def jobs(self) -> list[Object]:
        label = f"modelyard.dev/{self.sample.kind.info.kind.lower()}"
        return [job for job in self.world.all(JOBS) if job["metadata"]["labels"].get(label) == NAME]

    @property
    def job(self) -> Object:
        (job,) = self.jobs
        return job

    def end(self) -> None:
        """Ends the Job as a pod would that works."""
        pod = self.sample.pod
        assert pod is not None
        result = pod.play(task_of(self.job, pod.task), "")
        complete(self.world, self.job, result.model_dump(mode="json", by_alias=True, exclude_none=True))
        self.world.settle()

    def status(self, *fields: str) -> tuple[Any, ...]:
        return tuple(self.world.status_of(self.resource, NAME).get(field) for field in fields)

    @property
    def ready(self) -> tuple[str, str]:
        return self.world.condition(self.resource, NAME)[:2]


@pytest.fixture(params=RUNS)
def stage(request: pytest.FixtureRequest) -> Stage:
    world, name = import_module(f"tests.unit.kinds.test_{request.param.lower()}").done()
    sample = SAMPLES[request.param]
    spec = world.get(Resource.of(sample.kind), name)["spec"]
    world.notes.clear()
    return Stage(sample, world, spec)


def test_the_way_to_a_good_end_is_told(stage: Stage) -> None:
    stage.start()
    assert stage.status("phase", "job", "startTime") == ("Pending", stage.job["metadata"]["name"], at(stage.world))
    assert stage.ready == ("False", "PodPending")
    active(stage.world, stage.job)
    stage.world.settle()
    runs = stage.sample.kind.info.runs
    assert runs is not None
    assert (stage.status("phase", "attempts"), stage.ready) == (("Running", 1), ("False", runs.under_way))
    stage.end()
    assert stage.status("phase", "attempts", "completionTime") == ("Succeeded", 1, at(stage.world))
    assert stage.ready[0] == stage.world.condition(stage.resource, NAME, "Complete")[0] == "True"
    me = f"{stage.resource.kind}/{NAME}"
    assert [reason for who, reason, _ in stage.world.notes if who == me][:2] == ["PodPending", runs.under_way]


def test_a_pod_that_has_ended_is_not_waited_for(stage: Stage) -> None:
    """It is not ready any more as soon as its main container has ended; a helper may collect the output after that."""
    stage.start()
    active(stage.world, stage.job)
    stage.world.settle()
    active(stage.world, stage.job, ready=0)
    stage.world.settle()
    runs = stage.sample.kind.info.runs
    assert runs is not None
    assert (stage.status("phase"), stage.ready) == (("Running",), ("False", runs.under_way))
    active(stage.world, stage.job, ready=0, terminating=1)
    stage.world.settle()
    assert stage.ready == ("False", "PodPending"), "it is being stopped, so another one follows"


FAILURES: list[tuple[Object | None, Object, str, str]] = [
    (failed("BadLuck", "spec.field: this is wrong"), {}, "BadLuck", "spec.field"),
    (failed("BadLuck", " "), {}, "BadLuck", "see the log of its pod"),
    (None, {"exitCode": 137, "reason": "OOMKilled"}, "OOMKilled", "spec.podTemplate.resources.limits"),
    (None, {"exitCode": 3, "message": "x"}, "PodFailed", "exit code 3"),
]


@pytest.mark.parametrize(("result", "state", "reason", "says"), FAILURES)
def test_a_failed_job_says_why(stage: Stage, result: Object | None, state: Object, reason: str, says: str) -> None:
    stage.start()
    fail(stage.world, stage.job, result, **state)
    stage.world.settle()
    assert (stage.ready, stage.status("phase", "completionTime")) == (("False", reason), ("Failed", at(stage.world)))
    assert says in stage.world.condition(stage.resource, NAME)[2]
    assert stage.world.condition(stage.resource, NAME, "Failed")[0] == "True"


def test_a_result_of_the_wrong_form_fails(stage: Stage) -> None:
    stage.start()
    assert stage.sample.pod is not None
    complete(stage.world, stage.job, {"kind": stage.sample.good_result["kind"]})
    stage.world.settle()
    assert (stage.ready, stage.status("phase")) == (("False", "ResultUnreadable"), ("Failed",))


def test_it_stops_and_goes_on(stage: Stage) -> None:
    stage.start(suspend=True)
    assert (stage.status("phase"), stage.ready, stage.jobs) == (("Suspended",), ("", ""), [])
    stage.start()
    active(stage.world, stage.job)
    stage.start(suspend=True, activeDeadlineSeconds=5)
    assert (stage.job["spec"]["suspend"], stage.job["spec"]["activeDeadlineSeconds"]) == (True, 5)
    assert stage.status("phase") == ("Suspended",)
    stage.start()
    assert not stage.job["spec"]["suspend"]
    stage.end()
    stage.start(suspend=True)
    assert stage.status("phase") == ("Succeeded",), "what has ended can't be suspended"


def test_it_runs_until_its_result_can_be_read(stage: Stage) -> None:
    stage.start()
    active(stage.world, stage.job)
    stage.world.settle()
    stage.world.down.add(Result)
    stage.end()
    assert (stage.status("phase"), stage.ready) == (("Running",), ("False", "ArtifactStoreUnavailable"))
    stage.world.down.clear()
    stage.world.tick(10)
    assert (stage.status("phase"), stage.ready[0]) == (("Succeeded",), "True")


def test_its_job_goes_after_its_time_to_live(stage: Stage) -> None:
    stage.start(ttlSecondsAfterFinished=60)
    stage.end()
    before = stage.ready
    stage.world.tick(59)
    assert len(stage.jobs) == 1
    stage.world.tick(1)
    assert (stage.jobs, stage.ready) == ([], before)


def test_a_deleted_job_is_made_anew_unless_it_has_ended(stage: Stage) -> None:
    stage.start()
    first, began = stage.job, stage.status("startTime")
    stage.world.tick(60)
    stage.world.delete(JOBS, first["metadata"]["name"])
    stage.world.settle()
    assert (stage.job["spec"], stage.status("startTime")) == (first["spec"], began)
    stage.end()
    stage.world.delete(JOBS, first["metadata"]["name"])
    stage.world.settle()
    assert (stage.status("phase"), stage.jobs) == (("Succeeded",), [])


@pytest.mark.parametrize("job_is_there", [True, False])
def test_a_lost_status_comes_back(stage: Stage, job_is_there: bool) -> None:
    stage.start()
    stage.end()
    before = stage.world.status_of(stage.resource, NAME)
    if not job_is_there:
        stage.world.delete(JOBS, stage.job["metadata"]["name"])
    stage.world.status(stage.resource, NAME, None)
    stage.world.tick(60)
    after = stage.world.status_of(stage.resource, NAME)
    kept = before.keys() - {"conditions", "completionTime", *(() if job_is_there else ("startTime",))}
    assert {field: after.get(field) for field in kept} == {field: before[field] for field in kept}
    assert stage.ready[0] == "True"
    assert len(stage.jobs) == job_is_there


def test_a_forged_job_leads_to_no_result_of_another_namespace(stage: Stage) -> None:
    """Whoever may make Jobs may write one that has the run as its owner, and any task."""
    stage.start()
    job = stage.job
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    task = orjson.loads(annotations[ANNOTATION])
    task["subject"]["namespace"] = "others"
    task["resultURI"] = task["resultURI"].replace(f"/{NAMESPACE}/", "/others/")
    annotations[ANNOTATION] = orjson.dumps(task).decode()
    stage.world.put(JOBS, job)
    stage.world.status(stage.resource, NAME, None)
    complete(stage.world, job)
    stage.world.read.clear()
    stage.world.settle()
    read = [need.uri for need in stage.world.read if isinstance(need, Result)]
    assert stage.status("startTime") == (job["metadata"]["creationTimestamp"],), "it is taken for the run's own"
    assert read
    assert not [uri for uri in read if "/others/" in uri]
