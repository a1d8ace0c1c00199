"""How a Job is given up whose pod will not end, so that another one takes its place and no attempt is forgotten."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.plan import Delete
from modelyard.engine.resource import JOBS, Object
from modelyard.workload.failures import Trouble
from modelyard.workload.run.run import R, Run
from modelyard.workload.run.states import Lost


def give_up(run: Run[R], job: Object, trouble: Trouble, failed: int, now: datetime) -> Lost:
    """``failed``: the attempts that count until now. They go into status first, and the Job goes in the pass after
    that: once it is gone, nothing else knows them. The next Job is made with them as ``before``."""
    writes = (Delete.of(JOBS, job),) if run.attempts == failed else ()
    return Lost(failed, trouble, writes, now)
