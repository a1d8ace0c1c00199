"""``sweep``: one of the pods of a search. The first has the coordinator beside it, and returns the result."""

from __future__ import annotations

import os

from modelyard_api.wire.result import SweepResult
from modelyard_api.wire.task import SweepTask
from modelyard_runtime.pod.closing import INDEX
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.search import service


def sweep(task: SweepTask, store: ArtifactStore) -> SweepResult | None:
    """Tries until the search is over; the first pod returns its result. Raises UserError, and Unavailable."""
    # One thread a trial: a forked child of a process with threads may hang. It counts from numpy's first import on.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    index = int(os.environ.get(INDEX, "0"))
    if index == 0:
        service.start(task)
    from modelyard_runtime.search.worker import Worker

    port = task.coordinator.rsplit(":", 1)[1]
    worker = Worker(task, store, f"127.0.0.1:{port}" if index == 0 else task.coordinator, index)
    worker.work()
    if index != 0:
        return None
    answer = worker.result()
    if "error" in answer:
        raise UserError(answer["error"]["reason"], answer["error"]["message"])
    return SweepResult.model_validate(answer["result"])
