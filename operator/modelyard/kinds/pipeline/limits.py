"""What holds a run up although a trigger wants one: a run that is on, the cooldown, or that more may come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.conditions import parse_time, timestamp
from modelyard.kinds.pipeline.observe import View
from modelyard.kinds.pipeline.triggers.look import Look
from modelyard.workload.durations import duration
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.pipeline import PipelineStatus


@dataclass(frozen=True)
class Hold:
    """``until`` is None if a change of an object ends it."""

    message: str
    until: datetime | None = None


def hold(view: View, status: PipelineStatus, looks: Sequence[Look], now: datetime) -> Hold | None:
    """Returns what holds up the run of these looks, each of which has a cause; None if it can start."""
    spec = view.pipeline.spec
    if not looks or spec.suspend:
        return None if not looks else Hold("spec.suspend is true")
    running = [run.name for run in view.runs if run.status.phase not in (Phase.SUCCEEDED, Phase.FAILED)]
    if running:
        return Hold(f"what has come waits for the end of {', '.join(running[:3])}")
    if spec.limits.cooldown and status.last_start_time:
        until = parse_time(status.last_start_time) + duration(spec.limits.cooldown)
        if now < until:
            return Hold(f"what has come waits for the end of spec.limits.cooldown, {timestamp(until)}", until)
    if spec.settle and not any(look.at_once for look in looks):
        until = max(parse_time(look.cause.came) for look in looks if look.cause) + duration(spec.settle)
        if now < until:
            return Hold(f"what has come waits until {timestamp(until)}, in case that more comes (spec.settle)", until)
    return None
