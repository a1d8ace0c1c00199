"""Advances a rollout: a pure function of its status and of the situation, without Kubernetes objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time, timestamp
from modelyard.engine.plan import Note
from modelyard.kinds.modeldeployment.rollout.stages import Stage, pods_for, stage_at, stages_of
from modelyard.workload.durations import duration
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus, Rejected, RolloutStatus, Served
from modelyard_api.kinds.rollout import Rollout

KEPT_HISTORY = 10
KEPT_REJECTED = 20
SHORTEST_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pods:
    """Counts of one version's pods. ``current`` says that the counts are those of the wanted pod template."""

    wanted: int = 0
    total: int = 0
    available: int = 0
    updated: int = 0
    current: bool = False

    def complete(self, replicas: int) -> bool:
        """Whether these pods, and no older ones, serve on all replicas: the rule of ``kubectl rollout status``."""
        return self.current and self.wanted == self.total == self.available == self.updated == replicas

    def ready(self, number: int) -> bool:
        return self.current and self.available >= number


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rollout's next step depends on.

    ``goal`` is the version that should serve. ``judged`` is the newest judgement; None means that none is due.
    ``crashed`` says how a pod of the candidate ended; None means that none did.
    """

    now: datetime
    goal: int
    rollout: Rollout
    replicas: int
    pods: Mapping[int, Pods]
    judged: Sequence[Judged] | None = None
    crashed: str | None = None
    open: bool = True
    """Whether the gateway, if there is one, can divide traffic now."""
    reached: int | None = None
    """How many of the candidate's pods the gateway knows; None means that no gateway divides the traffic."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """The new status. ``note`` is the Event to emit; ``after`` is the latest time for the next pass."""

    status: ModelDeploymentStatus
    note: Note | None = None
    after: datetime | None = None


def advance(before: ModelDeploymentStatus, situation: Situation) -> Advanced:
    """Returns a new status, at most one step further; the caller makes its weight and step true in the cluster."""
    status = before.model_copy(deep=True)
    number, rollout = situation.goal, situation.rollout
    if status.stable is None:
        return _first_rollout(status, situation)
    if number == status.stable:
        note = None
        if status.candidate is not None:
            message = f"version {number} is wanted again: version {status.candidate} goes"
            note = Note("RolloutEnded", message)
        return Advanced(_without_candidate(status), note)
    if rollout.promote == number:
        status.rejected = [item for item in status.rejected if item.version != number]
    if any(item.version == number for item in status.rejected):
        return Advanced(_without_candidate(status))
    if rollout.abort == number:
        return _reject(status, situation, "Aborted", f"spec.rollout.abort names version {number}")
    if status.rollout is None or status.rollout.version != number:
        instead = f", instead of version {status.candidate}" if status.candidate else ""
        status.candidate, status.rollout = number, RolloutStatus(version=number)
        status.weight, status.step = 0 if stages_of(rollout) else None, None
        message = f"version {number} is rolled out by {rollout.strategy}{instead}; stable: version {status.stable}"
        return _with_next_pass(status, situation, Note("RollingOut", message))
    stages = stages_of(rollout)
    return _staged(status, situation, stages) if stages else _rolling(status, situation)


def due(status: ModelDeploymentStatus, rollout: Rollout) -> datetime | None:
    """Returns when the candidate is to be judged next; None means that it is not judged in its present state."""
    state = status.rollout
    if state is None or state.since is None or status.candidate != state.version:
        return None
    stages = stages_of(rollout)
    if not stages or not stage_at(stages, state.step).weight:
        return None
    every = max(SHORTEST_EVERY, duration(rollout.analysis.every))
    return parse_time(state.judged or state.since) + every


def serving(before: ModelDeploymentStatus, number: int, now: datetime) -> ModelDeploymentStatus:
    """Returns the status with version ``number`` as the stable one."""
    history = [*before.history, Served(version=number, time=timestamp(now))][-KEPT_HISTORY:]
    return before.model_copy(update={"stable": number, "history": history})


# --- private --------------------------------------------------------------------------------------------------------


def _first_rollout(status: ModelDeploymentStatus, situation: Situation) -> Advanced:
    """Rolls out the first version: nothing serves yet, so no traffic is divided."""
    status.weight = status.step = status.rollout = None
    if situation.pods.get(situation.goal, Pods()).complete(situation.replicas):
        return _finish(status, situation)
    note = None
    if status.candidate != situation.goal:
        note = Note("RollingOut", f"version {situation.goal} is rolled out; stable: none")
    status.candidate = situation.goal
    return Advanced(status, note)


def _rolling(status: ModelDeploymentStatus, situation: Situation) -> Advanced:
    """Waits until the candidate's pods have replaced the stable version's, at the pace that ``capacity`` sets."""
    pods = situation.pods.get(situation.goal, Pods())
    status.weight = status.step = None
    if pods.complete(situation.replicas):
        return _finish(status, situation)
    return Advanced(status)


def _staged(status: ModelDeploymentStatus, situation: Situation, stages: tuple[Stage, ...]) -> Advanced:
    state, rollout = status.rollout, situation.rollout
    assert state is not None
    promoted = rollout.promote == situation.goal
    # An edit may have left fewer steps. A manual promote goes to the last stage and overrides failed analyses.
    state.step = len(stages) - 1 if promoted else min(state.step, len(stages) - 1)
    stage, pods = stages[state.step], situation.pods.get(situation.goal, Pods())
    if state.since is not None and situation.crashed:
        return _reject(status, situation, "Crashed", situation.crashed)
    if situation.judged is not None:
        state.analysis, state.judged = list(situation.judged), timestamp(situation.now)
        failed = [item for item in situation.judged if item.verdict == "Failed"]
        state.failures += bool(failed)
        if state.failures >= rollout.analysis.failure_limit and failed and not promoted:
            reasons = "; ".join(f"{item.name}: {item.message}" for item in failed)
            return _reject(status, situation, "AnalysisFailed", reasons)
    if state.since is None or (promoted and status.weight != 100):
        return _begin_stage(status, situation, stages)
    if pods.available == 0 and situation.replicas:
        # Requests sent to the candidate would fail. The step begins again once pods are ready.
        state.since, status.weight = None, 0
        return _with_next_pass(
            status, situation, Note("CandidateNotReady", f"no pod of version {situation.goal} is ready", "Warning")
        )
    status.weight = 0 if stage.mirror else stage.weight
    if not _is_over(situation, stage, state):
        return _with_next_pass(status, situation)
    if state.step < len(stages) - 1:
        state.step, state.since, state.judged, state.analysis = state.step + 1, None, None, []
        return _begin_stage(status, situation, stages)
    return _finish(status, situation)


def _begin_stage(status: ModelDeploymentStatus, situation: Situation, stages: tuple[Stage, ...]) -> Advanced:
    """Begins the stage, that is, gives the candidate the stage's traffic, once its pods are ready."""
    state = status.rollout
    assert state is not None
    stage, pods = stages[state.step], situation.pods.get(situation.goal, Pods())
    status.step = f"{state.step + 1}/{len(stages)}"
    needed = pods_for(stage, situation.rollout, situation.replicas)
    if not situation.open or not pods.ready(needed) or (situation.reached is not None and situation.reached < needed):
        return _with_next_pass(status, situation)
    state.since = timestamp(situation.now)
    status.weight = 0 if stage.mirror else stage.weight
    share = f"copies of {stage.weight} %" if stage.mirror else f"{stage.weight} %"
    return _with_next_pass(
        status, situation, Note("Step", f"version {situation.goal} gets {share} of the requests, step {status.step}")
    )


def _is_over(situation: Situation, stage: Stage, state: RolloutStatus) -> bool:
    """Whether the stage's pause is over and, if the stage is judged, each metric has passed."""
    assert state.since is not None
    if situation.rollout.promote == situation.goal:
        return situation.now >= parse_time(state.since) + (stage.pause or timedelta())
    if stage.pause is None or situation.rollout.paused or situation.now < parse_time(state.since) + stage.pause:
        return False
    required = {item.name for item in situation.rollout.analysis.metrics}
    passed = {item.name for item in state.analysis if item.verdict == "Passed"}
    return not stage.judged or required <= passed


def _finish(status: ModelDeploymentStatus, situation: Situation) -> Advanced:
    before, number = status.stable, situation.goal
    status = serving(status, number, situation.now)
    message = f"version {number} serves on all replicas; before: {f'version {before}' if before else 'none'}"
    return Advanced(_without_candidate(status), Note("Serving", message))


def _reject(status: ModelDeploymentStatus, situation: Situation, reason: str, message: str) -> Advanced:
    rejection = Rejected(version=situation.goal, reason=reason, message=message[:512], time=timestamp(situation.now))
    status.rejected = [*status.rejected, rejection][-KEPT_REJECTED:]
    note = Note(
        "RolledBack", f"back to version {status.stable}: version {situation.goal} {reason}: {message}", "Warning"
    )
    return Advanced(_without_candidate(status), note)


def _without_candidate(status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    status.candidate = status.weight = status.step = status.rollout = None
    return status


def _with_next_pass(status: ModelDeploymentStatus, situation: Situation, note: Note | None = None) -> Advanced:
    """Returns the status with the time of the next pass: the stage's end or the next judgement."""
    state, stages = status.rollout, stages_of(situation.rollout)
    times = []
    if state is not None and state.since is not None:
        stage = stages[state.step]
        if stage.pause is not None and not situation.rollout.paused:
            end = parse_time(state.since) + stage.pause
            if end > situation.now:
                times.append(end)
        if (judge := due(status, situation.rollout)) is not None:
            times.append(judge)
    return Advanced(status, note, min(times) if times else None)
