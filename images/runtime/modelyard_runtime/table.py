"""The table of subcommands: for each its task, its function and how it ends. A new subcommand is one entry here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard_api.fields.base import Model
from modelyard_api.wire.task import (
    BringTask,
    Common,
    EvaluateTask,
    IngestTask,
    PredictTask,
    SourceTask,
    StepTask,
    SweepTask,
    TrainTask,
)
from modelyard_runtime.pod.store import ArtifactStore


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand. ``function`` is ``module:name``, imported when called: imports take most of a short pod's time.

    ``waits`` names a function that must return before ``function`` is called. ``beside_container`` means that the
    command supports a container of the user's own; then an earlier pod's result doesn't count, since it may have been
    collected although the container failed. ``asks_store`` is false for one that runs the user's code in a container
    without the pod's identity: the tracking server would refuse whatever it asked.
    """

    task: type[Common]
    function: str
    summary: str
    waits: str | None = None
    beside_container: bool = False
    asks_store: bool = True

    @property
    def kind(self) -> str:
        """The ``kind`` of the command's task."""
        return str(self.task.model_fields["kind"].default)

    def run(self, task: Common, store: ArtifactStore) -> Model | None:
        """Runs the command; returns its result, or None if it has none. Raises UserError, or an error that a retry may
        solve."""
        result: Model | None = load(self.function)(task, store)
        return result


def load(name: str) -> Callable[..., Any]:
    """Imports and returns the function ``module:name``."""
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return function


_AT, _THE_END = "modelyard_runtime.commands", "modelyard_runtime.pod.container:wait_for_the_end"
COMMANDS = {
    "ingest": Command(IngestTask, f"{_AT}.ingest:ingest", "read a source into a typed, split and digested table"),
    "train": Command(TrainTask, f"{_AT}.train:train", "fit, export, prove and score an estimator"),
    "script": Command(TrainTask, f"{_AT}.script:script", "run a training function of one's own, and prove its model"),
    "evaluate": Command(EvaluateTask, f"{_AT}.evaluate:evaluate", "verify an imported model, and score it"),
    "sweep": Command(SweepTask, f"{_AT}.sweep:sweep", "search by many trials, in one of several pods"),
    "predict": Command(PredictTask, f"{_AT}.predict:predict", "score all rows of a version, and keep the answers"),
    "bring": Command(BringTask, f"{_AT}.bring:bring", "bring the data of a workspace, checked", beside_container=True),
    "lay-out": Command(
        TrainTask, f"{_AT}.layout:lay_out", "write the inputs of a container of one's own", beside_container=True
    ),
    "collect": Command(
        TrainTask,
        f"{_AT}.collect:collect",
        "check, score and keep the outputs of a container of one's own",
        waits=_THE_END,
        beside_container=True,
    ),
    "lay-out-step": Command(
        StepTask, f"{_AT}.step:lay_out", "write the parameters of a pipeline step's container", beside_container=True
    ),
    "collect-step": Command(
        StepTask,
        f"{_AT}.step:collect",
        "check and keep the outputs of a pipeline step's container",
        waits=_THE_END,
        beside_container=True,
    ),
    "look": Command(SourceTask, f"{_AT}.source:look", "look the ref of a PipelineSource up"),
    "fetch": Command(SourceTask, f"{_AT}.source:fetch", "fetch one folder of one commit"),
    "build": Command(SourceTask, f"{_AT}.source:build", "install a commit's locked libraries, and compile all"),
    "test": Command(SourceTask, f"{_AT}.source:test", "run a commit's tests without a network", asks_store=False),
    "push": Command(SourceTask, f"{_AT}.source:push", "push a tested commit as a bundle"),
}
