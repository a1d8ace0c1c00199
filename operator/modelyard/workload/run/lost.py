"""Gives up a Job whose pod will not end, so that another Job can replace it, without losing the count of attempts."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.plan import Delete
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.conclude import Trouble
from modelyard.workload.run.run import R, Run
from modelyard.workload.run.states import Lost


def give_up(run: Run[R], job: Object, trouble: Trouble, failed: int, now: datetime) -> Lost:
    """Returns the state Lost. ``failed`` is the number of attempts that count so far.

    The status stores the number first, and the next pass deletes the Job, since nothing else knows it then. The next
    Job gets it as ``before``.
    """
    writes = (Delete.of(JOBS, job),) if run.attempts == failed else ()
    return Lost(failed, trouble, writes, now)
