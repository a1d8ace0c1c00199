"""Compares a version with the champion that it may follow: by signature, then by metrics on the same held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.plan import Create, Facts, Write
from modelyard.engine.resource import JOBS
from modelyard.kinds.modelversion import children
from modelyard.kinds.modelversion.observe import View
from modelyard.workload.conclude import Fails, Trouble, Waits
from modelyard.workload.run import jobs
from modelyard.workload.run.follow import earlier, follow
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running
from modelyard.workload.signatures import changes, signature
from modelyard_api.kinds.modelversion import Comparison, ModelVersion, ModelVersionStatus

MAX_PROBLEM = 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """``pending`` says what the comparison waits for; None means that it has ended."""

    pending: Trouble | None = None
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


def compare_signatures(view: View, status: ModelVersionStatus) -> None:
    """Begins the comparison with a champion with which the version was not compared yet.

    A version that is not newer than the champion keeps its last comparison. While there is no champion a comparison
    counts as long as its champion exists: a Model whose status was lost must not promote what was refused before.
    """
    champion = view.champion
    if champion is None:
        if view.model is not None and not view.compared_exists:
            status.comparison = None
        return
    if view.version.spec.number <= champion.spec.number:
        return
    if status.comparison is None or status.comparison.champion != champion.spec.number:
        # The version's own signature stands in the new status if its spec has none.
        old, new = signature(champion), view.version.spec.signature or status.signature
        changed = changes(old, new) if old and new else None
        status.comparison = Comparison(champion=champion.spec.number, signature_changed=changed)


def compare_metrics(view: View, facts: Facts, now: datetime, status: ModelVersionStatus) -> Progress:
    """Puts the champion's metrics on the version's held-out rows into the comparison, or the problem. Raises Missing.

    Nothing is run if the champion was scored on these rows already, since its run or its import did that.
    """
    champion, comparison = view.champion, status.comparison
    if champion is None or comparison is None or comparison.champion != champion.spec.number or comparison.metrics:
        return Progress()
    own, other = view.version.spec, champion.spec
    if own.artifact.digest == other.artifact.digest:
        comparison.metrics = status.metrics
    elif own.lineage.dataset_version and own.lineage.dataset_version == other.lineage.dataset_version:
        comparison.metrics = champion.status.metrics
    else:
        return _score(view, champion, comparison, facts, now)
    return Progress()


def _score(view: View, champion: ModelVersion, comparison: Comparison, facts: Facts, now: datetime) -> Progress:
    run = children.comparison_run(view.version, champion, comparison.attempts)
    name = children.comparison_job_name(view.version, champion)
    comparison.problem = None
    try:
        state = follow(run, view.jobs.get(name), facts, now)
        if isinstance(state, Absent):
            before = earlier(run, facts, now)
            if before is None:
                return _begin(view, champion, comparison)
            state = Ended(max(comparison.attempts, 1), before)
    except Waits as waits:
        return Progress(Trouble("Comparing", waits.message), after=waits.after)
    assert not isinstance(state, Held), "POLICY never suspends"
    comparison.job, comparison.attempts = name, state.attempts
    if isinstance(state, Ended):
        result = state.result
        comparison.metrics, comparison.own_metrics, comparison.rows = (
            result.metrics,
            result.challenger_metrics,
            result.rows,
        )
        return Progress()
    if isinstance(state, Broken):
        comparison.problem = f"{state.trouble.reason}: {state.trouble.message}"[:MAX_PROBLEM]
        return Progress()
    rows = f"the champion, version {champion.spec.number}, on {view.version.spec.lineage.dataset_version}"
    waiting = Trouble("Comparing", f"Job {name} scores {rows}")
    if not isinstance(state, Running) and state.trouble is not None:
        waiting = Trouble(state.trouble.reason, f"Job {name}, which scores {rows}: {state.trouble.message}")
    return Progress(waiting, state.writes, state.after)


def _begin(view: View, champion: ModelVersion, comparison: Comparison) -> Progress:
    name = view.version.spec.lineage.dataset_version
    if view.data is None:
        gone = f"there is no DatasetVersion {name!r} any more, which has the rows"
        comparison.problem = gone if name else "spec.lineage names no DatasetVersion that has the rows"
        return Progress()
    assert view.model is not None
    try:
        job = children.comparison_job(view, champion, view.data, view.model.spec.task, comparison.attempts)
    except Fails as fails:
        comparison.problem = f"{fails}"[:MAX_PROBLEM]
        return Progress()
    if too_large := jobs.task_too_large(job):
        comparison.problem = f"the columns of {name} {too_large}"
        return Progress()
    comparison.job = job["metadata"]["name"]
    waiting = Trouble("Comparing", f"waiting for the pod of Job {comparison.job}, which scores the champion on {name}")
    return Progress(waiting, (Create(JOBS, job),))
