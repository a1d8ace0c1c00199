"""Inspects the pods of an unfinished Job while not all of them run: what blocks them, and whether they will recover."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from modelyard.engine.conditions import holds, parse_time
from modelyard.engine.events import last_seen
from modelyard.engine.plan import EventsOf, Facts, Missing, Need, PodsOf, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload import refusals
from modelyard.workload.conclude import Trouble
from modelyard.workload.run import disruptions, failures, jobs, mounts
from modelyard.workload.run.failures import SPEC, Fields


@dataclass(frozen=True, slots=True)
class PodProgress:
    """The progress of a Job's pods.

    ``runs`` means that the pod is ready, the first one of several, or that the last one has just ended; ``trouble`` is
    then what blocks others. Otherwise it is what blocks the pod, if that is known, and ``stalled`` means that a person
    has to act. ``lost`` means that the pod will not end: the Job would wait for it for ever, so it has to be replaced.
    ``after`` is when to inspect again.
    """

    runs: bool = False
    trouble: Trouble | None = None
    stalled: bool = False
    lost: bool = False
    after: datetime | None = None


def inspect(job: Object, facts: Facts, now: datetime, fields: Fields = SPEC) -> PodProgress:
    """Returns the progress of an active Job's pods. Raises Missing."""
    when = jobs.look_at_pods(job, now)
    if when is None:
        return PodProgress(runs=True)
    if when > now:
        return PodProgress(runs=_first_may_run(job), after=when)
    meta = job["metadata"]
    fact = facts[PodsOf(meta["namespace"], meta["name"], meta["uid"])]
    if isinstance(fact, Unavailable):
        return PodProgress(runs=_first_may_run(job), after=jobs.look_again(job, now))
    look = _Look(job, fact, facts, now, fields)
    return look.of(fact) if jobs.completions(job) == 1 else _several(look)


def _first_may_run(job: Object) -> bool:
    """Whether one of several pods is ready: most probably the first one is."""
    return bool((job.get("status") or {}).get("ready"))


def _several(look: _Look) -> PodProgress:
    """Returns the progress of the pods of an Indexed Job, of which the first has what the others need. Raises Missing.

    What has to be known of all pods is asked at once.
    """
    total = jobs.completions(look.job)
    held: dict[int, PodProgress] = {}
    needs: list[Need] = []
    for index in range(total):
        pods = [pod for pod in look.pods if jobs.index(pod) == index]
        if pods and (_is_up(pods[-1]) or _is_ending(pods[-1])):
            continue
        try:
            held[index] = look.of(pods)
        except Missing as missing:
            needs += missing.needs
    if needs:
        raise Missing(*dict.fromkeys(needs))
    if 0 in held:
        words = f"the first of its {total} pods, which the others need, does not run: "
        return replace(held[0], trouble=_with(words, held[0].trouble))
    trouble = next((progress.trouble for progress in held.values() if progress.trouble), None)
    words = f"{len(held)} of its {total} pods {'does' if len(held) == 1 else 'do'} not run, the others do: "
    return PodProgress(runs=True, trouble=_with(words, trouble), after=look.again)


def _with(words: str, trouble: Trouble | None) -> Trouble | None:
    return Trouble(trouble.reason, f"{words}{trouble.message}") if trouble else None


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at the pods of a Job. ``pods`` has all of them, the newest last."""

    job: Object
    pods: list[Object]
    facts: Facts
    now: datetime
    fields: Fields

    @property
    def again(self) -> datetime:
        return jobs.look_again(self.job, self.now)

    def of(self, pods: list[Object]) -> PodProgress:
        """Returns the progress of those pods of the Job of which one follows the other. Raises Missing."""
        newest = pods[-1] if pods else None
        if newest and (disruptions.is_terminating(newest) or disruptions.is_unreachable(newest)):
            return _disrupted(newest, self.facts, self.now, self.again)
        if blocked := failures.waiting(pods, self.fields):
            return PodProgress(trouble=blocked, stalled=True, after=self.again)
        left = jobs.attempts_left(self.job, self.pods)
        if left == 0 or (newest and _is_ending(newest)):
            return PodProgress(runs=True, after=self.again)
        if newest and (unmounted := mounts.not_mounted(newest, self.facts, self.now)):
            return PodProgress(trouble=unmounted[0], stalled=unmounted[1], after=self.again)
        if refused := self._not_created(pods):
            return refused
        if failed := failures.ended([pod for pod in pods if failures.has_ended(pod)], self.fields):
            message = f"{failed.message}; it is tried again by itself, attempts left: {left}"
            return PodProgress(trouble=Trouble(failed.reason, message), after=self.again)
        return PodProgress(after=self.again)

    def _not_created(self, pods: list[Object]) -> PodProgress | None:
        """Returns why no pod is created, or None. Only an Event of the Job says so: its status has no word about it."""
        if any(not failures.has_ended(pod) for pod in pods):
            return None
        meta = self.job["metadata"]
        events = self.facts[EventsOf(meta["namespace"], meta["uid"], "FailedCreate")]
        if isinstance(events, Unavailable) or not events:
            return None
        newest = events[-1]
        created = self.pods[-1]["metadata"].get("creationTimestamp") if self.pods else None
        since = [parse_time(time) for time in (created, (self.job.get("status") or {}).get("startTime")) if time]
        if any(parse_time(last_seen(newest)) < time for time in since):
            return None  # A pod was created after that, or the Job was suspended and has started anew.
        words = newest.get("note") or ""
        trouble = refusals.not_created(words, self.fields.resources)
        return PodProgress(trouble=trouble, stalled=not refusals.may_pass(words), after=self.again)


def _is_up(pod: Object) -> bool:
    return holds(pod, "Ready") and not disruptions.is_terminating(pod)


def _is_ending(pod: Object) -> bool:
    """Whether the pod succeeded, or its main container has ended and a helper still processes the output."""
    succeeded = (pod.get("status") or {}).get("phase") == "Succeeded"
    return succeeded or (not failures.has_ended(pod) and failures.exit_code(pod) is not None)


def _disrupted(pod: Object, facts: Facts, now: datetime, again: datetime) -> PodProgress:
    """Handles a pod that is being deleted or whose node is unreachable. Only the node shows whether it will ever end.

    A Job with a podFailurePolicy starts no other pod before it has ended. If the Job is replaced and both pods run,
    that does no harm: the files they write are named by digest.
    """
    name, node_name = pod["metadata"]["name"], pod["spec"].get("nodeName", "")
    problem = disruptions.node_problem(pod, facts)
    if not disruptions.is_terminating(pod):
        return PodProgress(trouble=disruptions.not_ready(pod, problem) if problem else None, after=again)
    if problem is not None:
        message = f"{problem}, and pod {name} ran there; another one starts on another node, which counts as no attempt"
        return PodProgress(trouble=Trouble("NodeLost", message), lost=True, after=again)
    stuck_at = disruptions.stuck_at(pod)
    if now >= stuck_at:
        message = f"pod {name} on node {node_name!r} was to end, and does not; another one is started. See to the node"
        return PodProgress(trouble=Trouble("PodStuck", message), lost=True, after=again)
    cause = disruptions.disruption(pod) or "it was deleted"
    message = f"pod {name} is being stopped: {cause}; another one follows by itself, which counts as no failed attempt"
    return PodProgress(trouble=Trouble("Disrupted", message), after=min(stuck_at, again))
