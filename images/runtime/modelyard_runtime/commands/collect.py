"""``collect``: checks, scores and keeps the outputs of a container of the user's own after it has ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import COLLECT_READY, OUT_FOLDER, TrainTask
from modelyard_runtime.models import collected
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore


def wait_for_the_end(ready: Path = Path(COLLECT_READY)) -> None:
    """Waits for the SIGTERM that the kubelet sends to a native sidecar once the main container has ended.

    ``ready`` tells the startup probe that this process waits for the signal: only then the main container starts. So an
    earlier signal means that the pod ends, not the container.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if signal.sigpending():
        say("told to stop before the container has started")
        os._exit(143)
    ready.touch()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    say("the container has ended")


def collect(task: TrainTask, store: ArtifactStore, folder: Path = Path(OUT_FOLDER)) -> TrainResult:
    """Checks, scores and keeps the model that the container wrote. Raises UserError if it can't be served."""
    return collected.keep(task, store, folder)
