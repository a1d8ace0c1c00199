"""Ends the run of a task in the tracking server when its pod can't go on. A later pod of the task opens it again."""

from __future__ import annotations

import os

from modelyard_api.wire.task import Common, SweepTask, TrainTask
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.tracked import experiment_of
from modelyard_runtime.pod.tracking import Tracking
from modelyard_runtime.pod.web import Unavailable, Web

PATIENCE = 5.0
"""Seconds for which a server that doesn't answer is asked again: a pod that is stopped has thirty in all."""
INDEX = "JOB_COMPLETION_INDEX"
"""The pod's number within its Job, which Kubernetes sets."""


def close(task: Common, status: str) -> None:
    """Ends the task's run as FAILED or KILLED, if one is open: those of scripts and sweeps are, while they go on."""
    if isinstance(task, TrainTask) and task.trainer.script is None:
        return
    if not isinstance(task, TrainTask | SweepTask) or int(os.environ.get(INDEX, "0")):
        return  # of several pods the first has opened the run
    try:
        Tracking(Web(task.tracking_url, PATIENCE)).close(experiment_of(task), task.subject.uid, status)
    except Unavailable as error:
        say(f"the run in the tracking server is not ended as {status}: {error}")
