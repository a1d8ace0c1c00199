"""Checks a PipelineSource: when it looks, what it builds, and what it delivers where."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import JOBS, MODELS, PIPELINE_SOURCES, Object
from modelyard_api.wire.result import Failed
from modelyard_api.wire.task import SourceTask
from tests.kinds import SAMPLES
from tests.kinds.pipelinesource import commit_of, work
from tests.unit.kinds.objects import active, complete, fail, failed, task_of
from tests.unit.kinds.world import NAMESPACE, Died, World

NAME = "churn"
SAMPLE = SAMPLES["PipelineSource"]
FIRST, SECOND, RED = "first", "second, alone", "red"


class Repository(World):
    """A world with a source, whose pods find this text in git."""

    text = FIRST

    def source(self, **change: Any) -> None:
        self.put(PIPELINE_SOURCES, SAMPLE.make({"suspend": None, **change}, NAME, NAMESPACE))
        self.settle()

    @property
    def state(self) -> Object:
        return self.status_of(PIPELINE_SOURCES, NAME)

    def told(self, type_: str = "Ready") -> tuple[str, str, str]:
        return self.condition(PIPELINE_SOURCES, NAME, type_)

    @property
    def job(self) -> Object:
        """Returns the Job that the status names."""
        return self.get(JOBS, self.state["job"])

    def end(self) -> None:
        """Ends the running Job as a pod would that works."""
        result = work(task_of(self.job, SourceTask), self.text)
        assert not isinstance(result, Failed)
        complete(self, self.job, result.wire())
        self.settle()

    def fail(self, reason: str, message: str = "it is so") -> None:
        fail(self, self.job, failed(reason, message))
        self.settle()

    def come(self, text: str) -> None:
        """Brings a commit, and lets it be found and built."""
        self.text = text
        self.tick(60)
        self.end()
        self.end()

    def models(self, namespace: str = NAMESPACE) -> set[str]:
        return {obj["metadata"]["name"] for obj in self.all(MODELS) if obj["metadata"]["namespace"] == namespace}


@pytest.fixture
def world() -> Repository:
    world = Repository()
    world.source()
    return world


def delivered(**change: Any) -> Repository:
    world = Repository()
    world.source(**change)
    world.end()
    world.end()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a source's commit is delivered, and the source's name."""
    return delivered(), NAME


def test_a_commit_is_found_built_and_delivered(world: Repository) -> None:
    assert task_of(world.job, SourceTask).commit is None
    assert world.told()[:2] == ("False", "Checking")
    active(world, world.job)
    world.settle()
    world.end()
    task = task_of(world.job, SourceTask)
    assert (task.commit, world.state["commit"]) == (commit_of(FIRST), commit_of(FIRST))
    assert world.told()[:2] == ("False", "PodPending")
    active(world, world.job)
    world.settle()
    assert world.told()[:2] == ("False", "Building")
    assert not world.models()
    world.end()
    assert world.models() == {"delivered", "other"}
    assert [world.told(type_)[:2] for type_ in ("Ready", "Fetched", "TestsPassed", "Delivered")] == [
        ("True", "Delivered"),
        ("True", "Fetched"),
        ("True", "TestsPassed"),
        ("True", "Delivered"),
    ]
    (target,) = world.state["targets"]
    assert (target["commit"], target["phase"], target["objects"]) == (commit_of(FIRST), "Delivered", 2)
    assert target["digest"] == world.state["build"]["digest"]
    meta = world.get(MODELS, "delivered")["metadata"]
    assert meta["annotations"]["modelyard.dev/commit"] == commit_of(FIRST)
    assert "ownerReferences" not in meta, "what was delivered stays when its source is deleted"
    assert [reason for who, reason, _ in world.notes if who.startswith("PipelineSource")] == [
        *("Checking", "CommitFound", "Fetched", "PodPending", "Building"),
        *("CommitPassed", "Delivering", "TestsPassed", "Delivered"),
    ]


def test_no_secret_is_where_the_users_code_runs() -> None:
    world = Repository()
    world.source(git={"secretRef": {"name": "git"}}, bundle={"secretRef": {"name": "push"}})
    world.end()
    spec = world.job["spec"]["template"]["spec"]
    mounts = {
        item["name"]: {mount["name"] for mount in item["volumeMounts"]}
        for item in (*spec["initContainers"], *spec["containers"])
    }
    assert {name: names & {"git", "push"} for name, names in mounts.items()} == {
        "fetch": {"git"},
        "build": set(),
        "test": set(),
        "main": {"push"},
    }
    assert not mounts["test"] & {"work", "tmp", "identity"}
    test = next(item for item in spec["initContainers"] if item["name"] == "test")
    assert {mount["name"] for mount in test["volumeMounts"] if not mount.get("readOnly")} == {
        *("apart-work", "apart-tmp", "report")
    }
    rules = world.job["spec"]["podFailurePolicy"]["rules"]
    final = [rule["onExitCodes"]["containerName"] for rule in rules if rule["action"] == "FailJob"]
    assert final == ["main", "fetch", "build", "test"]


def test_a_red_commit_changes_nothing_and_says_which_test() -> None:
    world = delivered()
    world.come(RED)
    assert world.told()[:2] == ("False", "TestsFailed")
    assert "tests.test_train::test_shape" in world.told()[2]
    assert world.told("TestsPassed")[:2] == ("False", "TestsFailed")
    assert world.told("Stalled")[0] == "True"
    assert world.models() == {"delivered", "other"}
    (target,) = world.state["targets"]
    assert target["commit"] == commit_of(FIRST)
    assert [past["passed"] for past in world.state["history"]] == [False, True]
    world.come("another red one")
    notes = [text for _, reason, text in world.notes if reason == "TestsFailed"]
    assert len(notes) == 2, "each red commit is told"
    world.come(SECOND)
    assert world.told()[:2] == ("True", "Delivered")


def test_a_result_with_manifests_of_the_wrong_form_is_no_verdict() -> None:
    twice = {"kind": "Model", "metadata": {"name": "m"}, "spec": {}}
    for manifests in ([{"a": 1}], [twice, twice], [{**twice, "kind": "Job"}], [{**twice, "apiVersion": "v1"}]):
        world = Repository()
        world.source()
        world.end()
        complete(world, world.job, {"kind": "Source", "commit": commit_of(FIRST), "manifests": manifests})
        world.settle()
        assert world.told()[:2] == ("False", "ResultUnreadable"), manifests
        assert not world.models()


def test_a_look_that_finds_nothing_new_builds_nothing() -> None:
    world = delivered()
    world.tick(59)
    assert "job" not in world.state
    world.tick(1)
    assert task_of(world.job, SourceTask).commit is None
    assert world.told()[:2] == ("True", "Delivered"), "a look makes nothing unready"
    world.end()
    assert (world.told()[:2], world.state.get("job")) == (("True", "Delivered"), None)


def test_a_look_deletes_what_the_one_before_has_left_and_nothing_of_a_build() -> None:
    world = Repository()
    world.source()
    first = task_of(world.job, SourceTask)
    world.end()
    world.end()
    assert world.deleted == []
    world.tick(60)
    second = task_of(world.job, SourceTask)
    assert world.deleted == [first.result_uri.rpartition("/")[0]]
    world.fail("GitUnavailable")
    world.tick(120)
    assert world.deleted[1:] == [second.result_uri.rpartition("/")[0]]


def test_a_server_that_is_away_is_told_and_asked_less_often() -> None:
    world = delivered()
    for pause in (60, 120, 240, 480, 600, 600):
        world.tick(pause - 1)
        assert "job" not in world.state, pause
        world.tick(1)
        world.fail("GitUnavailable", "spec.git.url: it can't be read")
        assert world.told("Fetched")[:2] == ("False", "GitUnavailable")
        assert world.told()[:2] == ("True", "Delivered"), "nothing is lost"
    assert len([1 for _, reason, _ in world.notes if reason == "GitUnavailable"]) == 1
    world.text = SECOND
    world.tick(600)
    world.end()
    world.end()
    assert (world.told()[:2], world.state["failedLooks"]) == (("True", "Delivered"), 0)


def test_a_first_look_that_fails_stalls(world: Repository) -> None:
    world.fail("RefNotFound", "spec.git.ref: there is no branch; push it")
    assert world.told()[:2] == ("False", "RefNotFound")
    assert world.told("Stalled")[0] == "True"
    world.source(git={"ref": "v1"})
    assert task_of(world.job, SourceTask).spec.git.ref == "v1", "an edit is looked up at once"


def test_what_fails_without_a_message_has_one(world: Repository) -> None:
    world.fail("BadLuck", "")
    messages = {world.told(type_)[2] for type_ in ("Ready", "Stalled", "Fetched")}
    assert messages == {"its program gave no message; see the log of its pod"}
    world.tick(3600)
    world.end()
    checks = [{"name": "tests", "passed": False, "message": ""}]
    complete(world, world.job, {"kind": "Source", "commit": commit_of(FIRST), "checks": checks})
    world.settle()
    assert world.told("TestsPassed")[1:] == ("TestsFailed", "the program of the tests gave no message; see its log")


def test_a_build_without_a_verdict_is_tried_again() -> None:
    world = Repository()
    world.source()
    world.end()
    first = world.job["metadata"]["name"]
    world.fail("RegistryUnavailable", "the registry can't be reached")
    assert world.told()[:2] == ("False", "RegistryUnavailable")
    assert not world.condition(PIPELINE_SOURCES, NAME, "Stalled")[0]
    world.tick(20)
    assert world.job["metadata"]["name"] != first
    world.end()
    assert world.told()[:2] == ("True", "Delivered")


def test_what_the_program_says_of_a_commit_is_final() -> None:
    world = Repository()
    world.source()
    world.end()
    world.fail("RequirementNotLocked", "requirements.txt: there is no hash")
    assert world.told()[:2] == ("False", "RequirementNotLocked")
    world.tick(30)
    assert "job" not in world.state
    world.source(build={"requirements": "lock.txt"})
    world.end()
    assert task_of(world.job, SourceTask).commit == commit_of(FIRST), "another spec builds the same commit anew"


def test_an_edit_during_a_build_starts_anew_and_counts_anew() -> None:
    world = Repository()
    world.source()
    world.end()
    before = world.job["metadata"]["name"]
    active(world, world.job)
    world.settle()
    assert world.state["attempts"] == 1
    world.source(git={"pollEvery": "5m"})
    assert world.job["metadata"]["name"] == before, "the build does not depend on it"
    world.source(test={"arguments": ["-x"]})
    assert task_of(world.job, SourceTask).commit is None
    assert [job["metadata"]["name"] for job in world.all(JOBS)].count(before) == 0
    assert world.state["attempts"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"podTemplate": {"resources": {"requests": {"memory": "1Gi"}}}},
        {"podTemplate": {"nodeSelector": {"disk": "fast"}}},
        {"git": {"secretRef": {"name": "right"}}},
        {"git": {"url": "https://git.example.com/acme/moved.git"}},
    ],
)
def test_an_edit_that_mends_the_pod_of_a_build_takes_effect_at_once(change: Object) -> None:
    world = Repository()
    world.source()
    world.end()
    before = world.job
    world.source(**change)
    after = world.job
    assert after["metadata"]["name"] != before["metadata"]["name"]
    assert after["spec"]["template"] != before["spec"]["template"]
    assert task_of(after, SourceTask).commit == commit_of(FIRST)
    assert before["metadata"]["name"] not in [job["metadata"]["name"] for job in world.all(JOBS)]
    world.end()
    world.end()  # the look that an edit asks for
    assert world.told()[:2] == ("True", "Delivered")
    world.source(**change | {"podTemplate": {"env": [{"name": "A", "value": "b"}]}})
    assert task_of(world.job, SourceTask).commit is None, "a commit with a verdict is not built again"


def test_a_store_that_is_away_during_a_look_makes_nothing_unready() -> None:
    world = delivered()
    world.tick(60)
    complete(world, world.job)
    world.down.add(Result)
    world.settle()
    assert world.told()[:2] == ("True", "Delivered")
    assert world.told("Fetched")[:2] == ("False", "ArtifactStoreUnavailable")


def test_suspended_it_does_nothing() -> None:
    world = Repository()
    world.source(suspend=True)
    assert (world.all(JOBS), world.told()) == ([], ("", "", ""))
    world.source()
    world.source(suspend=True)
    assert world.one(JOBS)["spec"]["suspend"] is True
    assert world.told("Suspended")[0] == "True"
    world.source()
    assert not world.one(JOBS)["spec"].get("suspend")


def test_a_job_that_comes_late_does_not_stay_while_it_is_suspended(world: Repository) -> None:
    late = world.job
    world.end()
    world.end()
    world.source(suspend=True)
    jobs = {job["metadata"]["name"] for job in world.all(JOBS)}
    world.put(JOBS, {**late, "metadata": {**late["metadata"], "name": "late"}})
    world.settle()
    assert {job["metadata"]["name"] for job in world.all(JOBS)} == jobs


@pytest.mark.parametrize("when", ["before", "after"])
def test_it_dies_at_any_write(when: str) -> None:
    expected = delivered()
    for number in range(1, 40):
        world = Repository()
        world.die_at = (number, when)
        for _ in range(2):
            try:
                world.source()
                break
            except Died:
                world.die_at = None
                world.restart()
        for _ in range(2):
            try:
                world.settle()
                if "job" in world.state:
                    world.end()
            except Died:
                world.die_at = None
                world.restart()
                world.settle()
                if "job" in world.state:
                    world.end()
        world.settle()
        assert (world.models(), world.told()[:2]) == (expected.models(), ("True", "Delivered")), number
        assert max(world.created.values()) == 1, number
