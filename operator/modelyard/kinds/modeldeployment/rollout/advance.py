"""What comes next of a rollout: a pure function of where it is and of what is seen. No Kubernetes objects here."""

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
    """Of one version. ``current``: they are what is wanted now, and their counts speak of that."""

    wanted: int = 0
    total: int = 0
    available: int = 0
    updated: int = 0
    current: bool = False

    def complete(self, replicas: int) -> bool:
        """Whether these, and no older ones, serve on all replicas: the rule of ``kubectl rollout status``."""
        return self.current and self.wanted == self.total == self.available == self.updated == replicas

    def ready(self, number: int) -> bool:
        return self.current and self.available >= number


@dataclass(frozen=True, slots=True)
class Situation:
    """``goal`` is the version that should serve; ``judged`` the newest judgement, None where it isn't due;
    ``crashed`` says how pods of the candidate ended."""

    now: datetime
    goal: int
    rollout: Rollout
    replicas: int
    pods: Mapping[int, Pods]
    judged: Sequence[Judged] | None = None
    crashed: str | None = None
    open: bool = True
    """Whether traffic can be divided now."""
    reached: int | None = None
    """How many of the candidate's pods a gateway knows of; None where none divides the traffic."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """``note`` is the event to tell, ``after`` when to look again at the latest."""

    status: ModelDeploymentStatus
    note: Note | None = None
    after: datetime | None = None


def advance(before: ModelDeploymentStatus, seen: Situation) -> Advanced:
    """One step at most; the status is a new one. What it says of weight and step is to be made true."""
    status = before.model_copy(deep=True)
    number, rollout = seen.goal, seen.rollout
    if status.stable is None:
        return _first(status, seen)
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
        return _rejected(status, seen, "Aborted", f"spec.rollout.abort names version {number}")
    if status.rollout is None or status.rollout.version != number:
        instead = f", instead of version {status.candidate}" if status.candidate else ""
        status.candidate, status.rollout = number, RolloutStatus(version=number)
        status.weight, status.step = 0 if stages_of(rollout) else None, None
        message = f"version {number} is rolled out by {rollout.strategy}{instead}; stable: version {status.stable}"
        return _moved(status, seen, Note("RollingOut", message))
    stages = stages_of(rollout)
    return _staged(status, seen, stages) if stages else _rolling(status, seen)


def due(status: ModelDeploymentStatus, rollout: Rollout) -> datetime | None:
    """When the candidate is to be judged next; None: not at all as things are."""
    state = status.rollout
    if state is None or state.since is None or status.candidate != state.version:
        return None
    stages = stages_of(rollout)
    if not stages or not stage_at(stages, state.step).weight:
        return None
    every = max(SHORTEST_EVERY, duration(rollout.analysis.every))
    return parse_time(state.judged or state.since) + every


def serving(before: ModelDeploymentStatus, number: int, now: datetime) -> ModelDeploymentStatus:
    """The status once version ``number`` is the stable one."""
    history = [*before.history, Served(version=number, time=timestamp(now))][-KEPT_HISTORY:]
    return before.model_copy(update={"stable": number, "history": history})


# --- inside ---------------------------------------------------------------------------------------------------------


def _first(status: ModelDeploymentStatus, seen: Situation) -> Advanced:
    """Nothing serves yet, so nobody is divided."""
    status.weight = status.step = status.rollout = None
    if seen.pods.get(seen.goal, Pods()).complete(seen.replicas):
        return _serving(status, seen)
    note = None
    if status.candidate != seen.goal:
        note = Note("RollingOut", f"version {seen.goal} is rolled out; stable: none")
    status.candidate = seen.goal
    return Advanced(status, note)


def _rolling(status: ModelDeploymentStatus, seen: Situation) -> Advanced:
    """Its pods take the place of the stable one's, as ``capacity`` says."""
    pods = seen.pods.get(seen.goal, Pods())
    status.weight = status.step = None
    if pods.complete(seen.replicas):
        return _serving(status, seen)
    return Advanced(status)


def _staged(status: ModelDeploymentStatus, seen: Situation, stages: tuple[Stage, ...]) -> Advanced:
    state, rollout = status.rollout, seen.rollout
    assert state is not None
    promoted = rollout.promote == seen.goal
    # An edit may have left fewer steps; and who promotes has judged for himself.
    state.step = len(stages) - 1 if promoted else min(state.step, len(stages) - 1)
    stage, pods = stages[state.step], seen.pods.get(seen.goal, Pods())
    if state.since is not None and seen.crashed:
        return _rejected(status, seen, "Crashed", seen.crashed)
    if seen.judged is not None:
        state.analysis, state.judged = list(seen.judged), timestamp(seen.now)
        failed = [item for item in seen.judged if item.verdict == "Failed"]
        state.failures += bool(failed)
        if state.failures >= rollout.analysis.failure_limit and failed and not promoted:
            said = "; ".join(f"{item.name}: {item.message}" for item in failed)
            return _rejected(status, seen, "AnalysisFailed", said)
    if state.since is None or (promoted and status.weight != 100):
        return _entered(status, seen, stages)
    if pods.available == 0 and seen.replicas:
        # Whoever would be sent there gets an error. With pods again it starts anew.
        state.since, status.weight = None, 0
        return _moved(status, seen, Note("CandidateNotReady", f"no pod of version {seen.goal} is ready", "Warning"))
    status.weight = 0 if stage.mirror else stage.weight
    if not _over(seen, stage, state):
        return _moved(status, seen)
    if state.step < len(stages) - 1:
        state.step, state.since, state.judged, state.analysis = state.step + 1, None, None, []
        return _entered(status, seen, stages)
    return _serving(status, seen)


def _entered(status: ModelDeploymentStatus, seen: Situation, stages: tuple[Stage, ...]) -> Advanced:
    """The stage's traffic comes once its pods are ready."""
    state = status.rollout
    assert state is not None
    stage, pods = stages[state.step], seen.pods.get(seen.goal, Pods())
    status.step = f"{state.step + 1}/{len(stages)}"
    needed = pods_for(stage, seen.rollout, seen.replicas)
    if not seen.open or not pods.ready(needed) or (seen.reached is not None and seen.reached < needed):
        return _moved(status, seen)
    state.since = timestamp(seen.now)
    status.weight = 0 if stage.mirror else stage.weight
    what = f"copies of {stage.weight} %" if stage.mirror else f"{stage.weight} %"
    return _moved(status, seen, Note("Step", f"version {seen.goal} gets {what} of the requests, step {status.step}"))


def _over(seen: Situation, stage: Stage, state: RolloutStatus) -> bool:
    assert state.since is not None
    if seen.rollout.promote == seen.goal:
        return seen.now >= parse_time(state.since) + (stage.pause or timedelta())
    if stage.pause is None or seen.rollout.paused or seen.now < parse_time(state.since) + stage.pause:
        return False
    wanted = {item.name for item in seen.rollout.analysis.metrics}
    passed = {item.name for item in state.analysis if item.verdict == "Passed"}
    return not stage.judged or wanted <= passed


def _serving(status: ModelDeploymentStatus, seen: Situation) -> Advanced:
    before, number = status.stable, seen.goal
    status = serving(status, number, seen.now)
    message = f"version {number} serves on all replicas; before: {f'version {before}' if before else 'none'}"
    return Advanced(_without_candidate(status), Note("Serving", message))


def _rejected(status: ModelDeploymentStatus, seen: Situation, reason: str, message: str) -> Advanced:
    item = Rejected(version=seen.goal, reason=reason, message=message[:512], time=timestamp(seen.now))
    status.rejected = [*status.rejected, item][-KEPT_REJECTED:]
    note = Note("RolledBack", f"back to version {status.stable}: version {seen.goal} {reason}: {message}", "Warning")
    return Advanced(_without_candidate(status), note)


def _without_candidate(status: ModelDeploymentStatus) -> ModelDeploymentStatus:
    status.candidate = status.weight = status.step = status.rollout = None
    return status


def _moved(status: ModelDeploymentStatus, seen: Situation, note: Note | None = None) -> Advanced:
    """With the time to look again: of the stage's end, of the next judgement."""
    state, stages = status.rollout, stages_of(seen.rollout)
    times = []
    if state is not None and state.since is not None:
        stage = stages[state.step]
        if stage.pause is not None and not seen.rollout.paused:
            end = parse_time(state.since) + stage.pause
            if end > seen.now:
                times.append(end)
        if (judge := due(status, seen.rollout)) is not None:
            times.append(judge)
    return Advanced(status, note, min(times) if times else None)
