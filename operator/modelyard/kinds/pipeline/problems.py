"""What is wrong with a Pipeline's spec that the API server can't tell."""

from __future__ import annotations

from modelyard.kinds.pipeline.triggers import cron
from modelyard.workload.conclude import Trouble
from modelyard.workload.pipelines import graph
from modelyard_api.kinds.pipeline import PipelineSpec
from modelyard_api.kinds.registry import KINDS


def problem(spec: PipelineSpec) -> Trouble | None:
    """Returns the first error, or None."""
    for trigger in spec.triggers:
        field = f"spec.triggers[{trigger.name}]"
        if trigger.cron and (trouble := cron.problem(trigger.cron, f"{field}.cron")):
            return trouble
        if trigger.condition and trigger.condition.kind not in KINDS:
            message = f"{field}.condition.kind: there is no kind {trigger.condition.kind!r}; write one of "
            return Trouble("UnknownKind", message + ", ".join(KINDS))
    return graph.problem(spec.steps, [parameter.name for parameter in spec.parameters])
