"""Waits, as a native sidecar, for the end of a container of the user's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from modelyard_api.wire.task import COLLECT_READY
from modelyard_runtime.pod.say import say


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
