"""Outcomes of a look and of a build."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Note
from modelyard.kinds.pipelinesource import children
from modelyard.kinds.pipelinesource.conditions import standing
from modelyard.kinds.pipelinesource.observe import View
from modelyard.kinds.pipelinesource.schedule import next_look, next_try
from modelyard.workload.conclude import Step, Trouble
from modelyard_api.kinds.pipelinesource import MAX_HISTORY, Built, Look, Past, PipelineSourceStatus
from modelyard_api.wire.result import SourceResult

AWAY = frozenset(
    {
        *("GitUnavailable", "GitUnauthorized"),
        *("RegistryUnavailable", "RegistryUnauthorized", "ResultUnreadable"),
    }
)
"""Reasons of a program that say nothing about the commit: what was away, or has refused us, may be back later."""

_FAILED = {"tests": "TestsFailed", "manifests": "ManifestsFailed"}
"""Check -> the reason if it has failed."""


def looked(view: View, status: PipelineSourceStatus, now: datetime, came: SourceResult | Trouble) -> Step:
    """Records a look. One that failed changes nothing of what is known, and the next one comes later."""
    status.last_look_time, status.looked_generation = timestamp(now), view.source.generation
    status.job, status.attempts = None, 0
    notes: tuple[Note, ...] = ()
    if isinstance(came, Trouble):
        before = status.look
        status.failed_looks += 1
        status.look = Look(succeeded=False, reason=came.reason, message=came.message[:1000])
        if before is None or before.message != status.look.message:
            notes = (Note(came.reason, came.message, "Warning"),)
    else:
        status.failed_looks, git = 0, view.source.spec.git
        status.look = Look(succeeded=True, reason="Fetched", message=f"{git.ref} of {git.url} was found"[:1000])
        if status.commit != came.commit:
            status.commit = came.commit
            notes = (Note("CommitFound", f"{git.ref} is at {came.commit}"),)
    return Step(status, standing(status), after=next_look(view.source, status), notes=notes)


def verdict(view: View, status: PipelineSourceStatus, build: Built, now: datetime, result: SourceResult) -> Step:
    """Records what a build found: the commit may be delivered, or a check has failed."""
    build.checks = result.checks
    failed = next((check for check in result.checks if not check.passed), None)
    build.image, build.digest = result.image, result.digest
    if failed:
        return _failed(status, build, now, Trouble(_FAILED.get(failed.name, "CheckFailed"), failed.message))
    assert status.job is not None
    build.result_uri = children.run(view, status.job).result_uri
    build.passed, build.reason, build.message = True, "Passed", f"its bundle is {result.image}"
    return _known(status, build, now, Note("CommitPassed", f"commit {build.commit[:12]}: {build.message}"))


def unbuilt(
    view: View, status: PipelineSourceStatus, build: Built, now: datetime, trouble: Trouble, by_program: bool
) -> Step:
    """Records a build without a result: what our program says of the commit is final, all else is tried again."""
    if by_program and trouble.reason not in AWAY:
        return _failed(status, build, now, trouble)
    is_new = build.message != trouble.message
    build.reason, build.message = trouble.reason, trouble.message[:1000]
    again = next_try(build.tries, now)
    build.retry_time, build.tries = timestamp(again), build.tries + 1
    status.job, status.attempts = None, 0
    notes = (Note(trouble.reason, trouble.message, "Warning"),) if is_new else ()
    return Step(status, standing(status), after=again, notes=notes)


def _failed(status: PipelineSourceStatus, build: Built, now: datetime, trouble: Trouble) -> Step:
    build.passed, build.reason, build.message = False, trouble.reason, trouble.message[:1000]
    note = Note(trouble.reason, f"commit {build.commit[:12]}: {trouble.message}", "Warning")
    return _known(status, build, now, note)


def _known(status: PipelineSourceStatus, build: Built, now: datetime, note: Note) -> Step:
    """Returns the Step of a verdict. The targets keep what they have until the next pass delivers."""
    build.retry_time = None
    status.job, status.attempts = None, 0
    past = Past(
        commit=build.commit,
        passed=bool(build.passed),
        message="" if build.passed else build.message[:250],
        time=timestamp(now),
    )
    status.history = [past, *status.history][:MAX_HISTORY]
    return Step(status, standing(status), after=now, notes=(note,))
