"""Which runs are deleted: the oldest that have ended, of those that triggers have started. People's runs are theirs."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.plan import Delete
from modelyard.engine.resource import PIPELINE_RUNS
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.pipeline import Retention
from modelyard_api.kinds.pipelinerun import PipelineRun


def expired(runs: Iterable[PipelineRun], retention: Retention) -> tuple[Delete, ...]:
    """Returns the deletion of the runs that retention doesn't keep; ``runs`` are in the order in which they began."""
    ended = list(runs)
    kept = {Phase.SUCCEEDED: retention.succeeded, Phase.FAILED: retention.failed}
    gone = []
    for phase, number in kept.items():
        of_phase = [run for run in ended if run.status.phase == phase]
        gone += of_phase[: max(len(of_phase) - number, 0)]
    return tuple(Delete(PIPELINE_RUNS, run.namespace, run.name, run.uid) for run in gone)
