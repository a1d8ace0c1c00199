"""The subcommands: each one's task, the function that does it, and how it ends. A new one is a line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard_api.fields.base import Model
from modelyard_api.wire.task import Common, EvaluateTask, IngestTask, TrainTask
from modelyard_runtime.pod.store import ArtifactStore


@dataclass(frozen=True, slots=True)
class Command:
    """``function`` is ``module:name``, imported only when it is called: imports are most of a short pod's life.

    ``waits`` names one that is awaited before. ``beside_container``: it helps a container of the user's own, so an
    earlier pod's result is nobody's, since it may have been collected before the container had ended well.
    """

    task: type[Common]
    function: str
    what: str
    waits: str | None = None
    beside_container: bool = False

    @property
    def kind(self) -> str:
        """The ``kind`` of its task."""
        return str(self.task.model_fields["kind"].default)

    def run(self, task: Common, store: ArtifactStore) -> Model | None:
        """Its result; None where it has none. Raises UserError, or whatever may be tried again."""
        result: Model | None = load(self.function)(task, store)
        return result


def load(name: str) -> Callable[..., Any]:
    """The function of ``module:name``."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


_AT = "modelyard_runtime.commands"
COMMANDS = {
    "ingest": Command(IngestTask, f"{_AT}.ingest:ingest", "read a source into a typed, split and digested table"),
    "train": Command(TrainTask, f"{_AT}.train:train", "fit, export, prove and score an estimator"),
    "evaluate": Command(EvaluateTask, f"{_AT}.evaluate:evaluate", "verify an imported model, and score it"),
    "lay-out": Command(
        TrainTask, f"{_AT}.layout:lay_out", "write the inputs of a container of one's own", beside_container=True
    ),
    "collect": Command(
        TrainTask,
        f"{_AT}.collect:collect",
        "check, score and keep the outputs of a container of one's own",
        waits=f"{_AT}.collect:wait_for_the_end",
        beside_container=True,
    ),
}
