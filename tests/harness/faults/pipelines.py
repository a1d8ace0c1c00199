"""The scenario of a Pipeline: versions of data and a person start runs, one of them while it is suspended."""

from __future__ import annotations

from tests.harness.faults import objects as o
from tests.harness.faults.scenario import Scenario, ready_to_train
from tests.harness.faults.stage import Stage


async def runs(stage: Stage) -> None:
    await stage.apply(o.pipeline())
    await stage.reach("the first version has started a run", lambda: _ended(stage, 1))
    await stage.edit("Pipeline", o.PIPELINE, {"spec": {"suspend": True}})
    await stage.put_data(o.MORE)
    await stage.apply(o.dataset(validation={"minRows": 10}))
    await stage.reach("the second version waits", lambda: "pending" in _trigger(stage))
    await stage.edit("Pipeline", o.PIPELINE, {"spec": {"suspend": False}})
    await stage.reach("the second version has started a run", lambda: _ended(stage, 2))
    await by_hand(stage)
    await stage.delete("Pipeline", o.PIPELINE)
    await stage.reach("only the person's run is left", lambda: len(stage.list("PipelineRun")) == 1)


async def by_hand(stage: Stage) -> None:
    """A person starts a run, suspends it while its container runs, and resumes it."""
    stage.player.stopped = True
    await stage.apply(o.pipeline_run(o.BY_HAND))
    await stage.reach("its container runs", lambda: _step(stage, "Running"))
    await stage.edit("PipelineRun", o.BY_HAND, {"spec": {"suspend": True}})
    await stage.reach("its container is suspended", lambda: _step(stage, "Suspended"))
    stage.player.stopped = False
    await stage.edit("PipelineRun", o.BY_HAND, {"spec": {"suspend": False}})
    await stage.reach("it is complete", lambda: stage.holds("PipelineRun", o.BY_HAND, "Complete"))
    await stage.reach("it is counted", lambda: _ended(stage, 3))


def _ended(stage: Stage, number: int) -> bool:
    runs = stage.status("Pipeline", o.PIPELINE).get("runs") or {}
    return (runs.get("running"), runs.get("succeeded")) == (0, number)


def _trigger(stage: Stage) -> dict[str, object]:
    triggers = stage.status("Pipeline", o.PIPELINE).get("triggers") or [{}]
    return dict(triggers[0])


def _step(stage: Stage, phase: str) -> bool:
    steps = stage.status("PipelineRun", o.BY_HAND).get("steps") or [{}]
    return bool(steps[0].get("phase") == phase)


SCENARIO = Scenario("pipeline", ready_to_train, runs, ("Pipeline", "PipelineRun", "TrainingRun"))
