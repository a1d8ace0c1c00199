"""The words for what has started a run, for people."""

from __future__ import annotations

from modelyard_api.kinds.pipelinerun import Cause, PipelineRunSpec, RunTrigger

MAX_CAUSE = 1024
"""Longest text of a cause."""


def cause_of(spec: PipelineRunSpec, name: str) -> str:
    """Returns why the run of this name was started, and all that it covers."""
    if spec.trigger is None:
        return f"a person applied PipelineRun {name} of Pipeline {spec.pipeline_ref.name}"
    started = f"trigger {spec.trigger.name} of Pipeline {spec.pipeline_ref.name}: {_came(spec.trigger.cause)}"
    also = [f"{item.name}: {_came(item.cause)}" for item in spec.covers]
    return "; it also covers ".join([started, *(["; ".join(also)] if also else [])])[:MAX_CAUSE]


def short(trigger: RunTrigger) -> str:
    """Returns what has come, in few words."""
    return f"{trigger.name}: {trigger.cause.value}"


def _came(cause: Cause) -> str:
    earlier = ""
    if cause.earlier_count:
        more = "" if cause.earlier_count == len(cause.earlier) else ", ..."
        earlier = f" (with {cause.earlier_count} before it: {', '.join(cause.earlier)}{more})"
    if cause.kind == "Pipeline":
        return f"its schedule's {cause.value}{earlier}"
    return f"{cause.kind} {cause.name}, {cause.value}{earlier}"
