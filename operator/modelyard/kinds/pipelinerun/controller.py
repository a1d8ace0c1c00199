"""Wires PipelineRuns into the engine."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.pipelinerun.decide import decide
from modelyard.kinds.pipelinerun.observe import observe
from modelyard.workload.run.ending import is_unfinished
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.pipelinerun import PipelineRun


def _waits(run: Object) -> bool:
    """Whether a run has no steps of its own yet, which it takes from its Pipeline."""
    return is_unfinished(run) and not run["spec"].get("steps")


WIRING = Wiring(PipelineRun, observe, decide, waits={"Pipeline": _waits})
