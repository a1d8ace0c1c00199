"""The scenario of a PipelineSource: commits come, are delivered and pruned, and one is red."""

from __future__ import annotations

from tests.harness.faults.scenario import Scenario
from tests.harness.faults.stage import Stage
from tests.kinds import SAMPLES
from tests.kinds.pipelinesource import commit_of

NAME = "churn"
FIRST, SECOND, RED = "a", "alone", "red"


async def first_commit(stage: Stage) -> None:
    await come(stage, FIRST, 60)
    await stage.reach("the first commit is delivered", lambda: has(stage, FIRST))


async def commits(stage: Stage) -> None:
    """A commit drops an object, which somebody deletes another time, and a red commit changes nothing."""
    await come(stage, SECOND, 61)
    await stage.reach("the second commit is delivered", lambda: has(stage, SECOND))
    await stage.reach("it is pruned", lambda: stage.get("Model", "other") is None)
    uid = stage.uid("Model", "delivered")
    await stage.delete("Model", "delivered")
    await stage.reach("what was deleted is back", lambda: stage.is_back("Model", "delivered", uid))
    await come(stage, RED, 62)
    await stage.reach("the red commit is told", lambda: stage.holds("PipelineSource", NAME, "TestsPassed", "False"))
    await stage.edit("PipelineSource", NAME, {"spec": {"suspend": True}})
    await stage.reach("it is suspended", lambda: stage.holds("PipelineSource", NAME, "Suspended"))


async def come(stage: Stage, text: str, minutes: int) -> None:
    """Brings a commit, and has the ref looked up: an edit does that at once."""
    await stage.put_data(text)
    git = {"pollEvery": f"{minutes}m"}
    await stage.apply(SAMPLES["PipelineSource"].make({"git": git, "suspend": False}, NAME, stage.namespace))


def has(stage: Stage, text: str) -> bool:
    targets = stage.status("PipelineSource", NAME).get("targets") or [{}]
    return (targets[0].get("commit"), targets[0].get("phase")) == (commit_of(text), "Delivered")


SCENARIO = Scenario("source", first_commit, commits, ("PipelineSource",))
