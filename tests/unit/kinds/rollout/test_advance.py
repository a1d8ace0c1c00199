"""Checks the stages of a rollout, pass by pass: what is observed, and which stage follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.kinds.modeldeployment.rollout.advance import Advanced, Pods, Situation, advance, due
from modelyard.kinds.modeldeployment.rollout.capacity import capacity, serving_pods
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus
from modelyard_api.kinds.rollout import Rollout

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
STEPS = [{"weight": 10, "pause": "60s"}, {"weight": 50, "pause": "60s"}]
METRICS = {"metrics": [{"name": "errors", "metric": "ErrorRate", "max": 0.01}]}


def rollout(strategy: str = "Canary", **more: Any) -> Rollout:
    return Rollout.model_validate({"strategy": strategy, **({"steps": STEPS} if strategy == "Canary" else {}), **more})


def verdict(result: str) -> list[Judged]:
    return [Judged.model_validate({"name": "errors", "verdict": result, "message": "3 % of 900"})]


class Story:
    """A rollout of four replicas from version 1 to 2, run pass by pass; ``reasons`` holds those of its Events."""

    def __init__(self, plan: Rollout, stable: int | None = 1) -> None:
        self.plan, self.now, self.replicas = plan, NOW, 4
        self.status = ModelDeploymentStatus(stable=stable)
        self.pods = {1: Pods(4, 4, 4, 4, True)} if stable else {}
        self.reasons: list[str] = []
        self.after: datetime | None = None

    def see(self, goal: int = 2, **more: Any) -> Advanced:
        """Runs one pass."""
        situation = Situation(self.now, goal, self.plan, self.replicas, self.pods, **more)
        advanced = advance(self.status, situation)
        self.status, self.after = advanced.status, advanced.after
        if advanced.note:
            self.reasons.append(advanced.note.reason)
        return advanced

    def ready(self, number: int = 2) -> None:
        """Makes all pods that a version should have ready."""
        count = capacity(self.status, self.plan, self.replicas, self.pods).get(number, 0)
        self.pods[number] = Pods(count, count, count, count, True)

    def wait(self, seconds: float, goal: int = 2, **more: Any) -> Advanced:
        self.now += timedelta(seconds=seconds)
        return self.see(goal, **more)

    @property
    def where(self) -> tuple[int | None, int | None, int | None, str | None]:
        """Returns the stable version, the candidate, its weight in percent and the step."""
        return self.status.stable, self.status.candidate, self.status.weight, self.status.step

    def enter(self) -> None:
        """Enters the next stage and gives it its traffic."""
        self.see()
        self.ready()
        self.see()


def test_a_canary_to_the_end() -> None:
    story = Story(rollout())
    story.see()
    assert story.where == (1, 2, 0, None), "no traffic before its pods are ready"
    story.see()
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 2: 1}
    assert story.where == (1, 2, 0, "1/3")
    story.ready()
    story.see()
    assert story.where == (1, 2, 10, "1/3")
    story.wait(55, judged=[])
    assert story.where == (1, 2, 10, "1/3")
    assert story.after == NOW + timedelta(seconds=60)
    story.wait(5)
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 2: 2}
    assert story.where == (1, 2, 10, "2/3"), "the weight waits for the pods"
    story.ready()
    story.see()
    assert story.where == (1, 2, 50, "2/3")
    story.wait(60)
    story.ready()
    story.see()
    assert story.where == (1, 2, 100, "3/3")
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 2: 4}, "the stable one keeps its pods"
    story.wait(5)
    assert story.where == (2, None, None, None)
    assert capacity(story.status, story.plan, 4, story.pods) == {2: 4}
    assert story.reasons == ["RollingOut", "Step", "Step", "Step", "Serving"]
    assert [item.version for item in story.status.history] == [2]


def test_one_of_the_pods_that_serve_may_be_drained_and_a_candidate_that_does_not_start_blocks_no_drain() -> None:
    def serving(story: Story) -> int:
        sizes = capacity(story.status, story.plan, 4, story.pods)
        return serving_pods(story.status, story.plan, sizes, 4, story.pods)

    story = Story(rollout())
    story.see()
    story.see()
    assert serving(story) == 4, "the candidate's pod isn't available yet"
    story.ready()
    story.see()
    assert serving(story) == 4 + 1
    story.wait(60)
    assert serving(story) == 4, "its second pod isn't"
    rolling = Story(rollout("Rolling"))
    rolling.see()
    rolling.see()
    assert serving(rolling) == 4, "the surge is no promise"
    none = ModelDeploymentStatus()
    assert serving_pods(none, rollout("Rolling"), {}, 4, {}) == 0, "there is nothing to protect"


def test_a_failed_analysis_goes_back_and_is_not_tried_again() -> None:
    story = Story(rollout(analysis={**METRICS, "failureLimit": 2}))
    story.enter()
    story.wait(10, judged=verdict("Failed"))
    assert story.where == (1, 2, 10, "1/3")
    assert story.status.rollout is not None
    assert story.status.rollout.failures == 1
    story.wait(10, judged=verdict("Failed"))
    assert story.where == (1, None, None, None)
    (rejected,) = story.status.rejected
    assert (rejected.version, rejected.reason) == (2, "AnalysisFailed")
    assert "errors: 3 % of 900" in rejected.message
    story.wait(600)
    assert story.where == (1, None, None, None)
    story.see(goal=3)
    assert story.where == (1, 3, 0, None), "another version is"
    assert story.reasons == ["RollingOut", "Step", "RolledBack", "RollingOut"]


@pytest.mark.parametrize(("result", "step"), [("Passed", "2/3"), ("Inconclusive", "1/3"), (None, "1/3")])
def test_a_step_ends_with_a_verdict_that_passed(result: str | None, step: str) -> None:
    story = Story(rollout(analysis=METRICS))
    story.enter()
    story.wait(60, judged=verdict(result) if result else None)
    assert story.where[3] == step


def test_at_all_of_the_traffic_nothing_is_left_to_compare_with() -> None:
    story = Story(rollout("BlueGreen", analysis=METRICS))
    story.enter()
    assert story.where == (1, 2, 100, "1/1")
    story.wait(30, judged=verdict("Inconclusive"))
    assert story.where == (2, None, None, None)


def test_blue_green_turns_when_all_pods_are_ready() -> None:
    story = Story(rollout("BlueGreen"))
    story.see()
    story.see()
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 2: 4}
    story.pods[2] = Pods(4, 4, 3, 4, True)
    story.see()
    assert story.where == (1, 2, 0, "1/1")
    story.ready()
    story.see()
    assert story.where == (1, 2, 100, "1/1")


def test_shadow_sends_copies_and_then_everything() -> None:
    story = Story(rollout("Shadow"))
    story.enter()
    assert story.where == (1, 2, 0, "1/2")
    story.wait(60)
    story.ready()
    story.see()
    assert story.where == (1, 2, 100, "2/2")


def test_until_promoted_waits_and_promote_goes_to_the_end() -> None:
    steps = [{"weight": 10, "untilPromoted": True}]
    story = Story(rollout(steps=steps))
    story.enter()
    story.wait(10**6)
    assert story.where == (1, 2, 10, "1/2")
    story.plan = rollout(steps=steps, promote=2)
    story.see()
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 2: 4}
    story.ready()
    story.see()
    assert story.where == (1, 2, 100, "2/2")
    story.wait(5)
    story.see()
    assert story.where == (2, None, None, None)


def test_promote_of_a_version_that_is_not_the_candidate_does_nothing() -> None:
    story = Story(rollout(promote=7))
    story.enter()
    assert story.where == (1, 2, 10, "1/3")


def test_promote_outweighs_a_rejection() -> None:
    story = Story(rollout())
    story.enter()
    story.see(crashed="pod x ended with exit code 139")
    assert story.status.rejected[0].reason == "Crashed"
    story.plan = rollout(promote=2)
    story.see()
    assert story.where == (1, 2, 0, None)
    assert not story.status.rejected
    for _ in range(3):
        story.ready()
        story.wait(5)
    assert story.where == (2, None, None, None)


def test_abort_rejects_once_and_for_all() -> None:
    story = Story(rollout())
    story.enter()
    story.plan = rollout(abort=2)
    story.see()
    story.see()
    assert story.where == (1, None, None, None)
    assert [item.reason for item in story.status.rejected] == ["Aborted"]


def test_paused_stays_and_is_judged_nevertheless() -> None:
    story = Story(rollout(paused=True, analysis={**METRICS, "failureLimit": 1}))
    story.enter()
    story.wait(1000, judged=verdict("Passed"))
    assert story.where == (1, 2, 10, "1/3")
    story.wait(10, judged=verdict("Failed"))
    assert story.where == (1, None, None, None)


def test_a_newer_candidate_takes_the_place_of_the_old_one() -> None:
    story = Story(rollout())
    story.enter()
    story.see(goal=3)
    assert story.where == (1, 3, 0, None)
    assert capacity(story.status, story.plan, 4, story.pods) == {1: 4, 3: 1}


def test_back_to_the_stable_version_ends_the_rollout() -> None:
    story = Story(rollout())
    story.enter()
    story.see(goal=1)
    assert story.where == (1, None, None, None)
    assert story.reasons[-1] == "RolloutEnded"


def test_a_candidate_without_a_ready_pod_gets_no_traffic() -> None:
    story = Story(rollout())
    story.enter()
    story.pods[2] = Pods(1, 1, 0, 1, True)
    story.wait(5)
    assert story.where == (1, 2, 0, "1/3")
    story.ready()
    story.see()
    assert story.where == (1, 2, 10, "1/3")


def test_no_traffic_is_divided_where_there_is_no_way() -> None:
    story = Story(rollout())
    story.see()
    story.see()
    story.ready()
    story.see(open=False)
    assert story.where == (1, 2, 0, "1/3")


def test_the_first_version_waits_for_nobody() -> None:
    story = Story(rollout(), stable=None)
    story.see()
    assert story.where == (None, 2, None, None)
    assert capacity(story.status, story.plan, 4, story.pods) == {2: 4}
    story.ready()
    story.see()
    assert story.where == (2, None, None, None)


def test_fewer_steps_than_it_has_gone() -> None:
    story = Story(rollout())
    story.enter()
    story.wait(60)
    story.plan = rollout(steps=[{"weight": 20, "pause": "1s"}])
    story.ready()
    story.see()
    assert story.where[3] == "2/2"


def test_judged_as_often_as_asked() -> None:
    plan = rollout(analysis={"every": "10s"})
    story = Story(plan)
    assert due(story.status, plan) is None
    story.enter()
    assert due(story.status, plan) == NOW + timedelta(seconds=10)
    story.wait(12, judged=[])
    assert due(story.status, plan) == NOW + timedelta(seconds=22)
    assert story.status.rollout is not None
    assert story.status.rollout.judged == timestamp(NOW + timedelta(seconds=12))


@pytest.mark.parametrize("replicas", [0, 1, 2, 4, 7])
def test_rolling_never_serves_with_fewer_pods_nor_with_many_more(replicas: int) -> None:
    plan = rollout("Rolling")
    status = ModelDeploymentStatus(stable=1, candidate=2)
    have = {1: replicas, 2: 0}
    most = replicas + max(1, -(-replicas // 4))
    for _ in range(100):
        pods = {number: Pods(count, count, count, count, True) for number, count in have.items()}
        target = capacity(status, plan, replicas, pods)
        if target == have:
            break
        # New pods may exist before the old ones have gone, so both count against the limit.
        assert max(have[1], target[1]) + target[2] <= most or target[2] == have[2]
        assert target[1] + have[2] >= replicas
        have = target
    assert have == {1: 0, 2: replicas}
