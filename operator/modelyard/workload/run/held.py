"""Holds a run that is suspended: its Job is stopped, and goes if an edit has given the run another podTemplate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from modelyard.engine.plan import Delete, Write
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.run import jobs
from modelyard_api.fields.pods import PodTemplate
from modelyard_api.fields.status import Phase, RunStatus

S = TypeVar("S", bound=RunStatus)


def held(
    status: S, job: Object | None, pod_template: PodTemplate, writes: Sequence[Write]
) -> tuple[S, tuple[Write, ...], bool]:
    """Returns the status and the writes of a suspended run, and whether it will get a new Job when it goes on.

    ``writes`` stop the Job that it has. A person may edit ``pod_template`` meanwhile, for example because the pod fits
    on no node; and nobody can change the pods of a Job.
    """
    status = status.model_copy(update={"phase": Phase.SUSPENDED})
    if job is None:
        return status, tuple(writes), True
    if jobs.is_built_from(job, pod_template):
        return status, tuple(writes), False
    return status.model_copy(update={"attempts": jobs.failed_attempts(job)}), (Delete.of(JOBS, job),), True
