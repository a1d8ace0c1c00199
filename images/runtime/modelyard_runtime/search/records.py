"""Records trials as runs of the tracking server, below one of the sweep: beside the search, and never in its way."""

from __future__ import annotations

import queue
import threading
import time

from modelyard_api.fields.trainer import Estimator
from modelyard_api.wire.task import SweepTask
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.tracked import experiment_of
from modelyard_runtime.pod.tracking import Tracking
from modelyard_runtime.pod.web import Unavailable, Web
from modelyard_runtime.search.trials import Trial

FLUSH = 15.0
"""Longest time in seconds for which the end of a search waits for the records of its trials."""
_PAUSE = 5.0
"""Seconds until a server that did not answer is asked again."""


class Records:
    """Trials wait in memory, at most as many as the sweep has, and a thread records them one after the other."""

    def __init__(self, task: SweepTask) -> None:
        self._task, self._tracking = task, Tracking(Web(task.tracking_url))
        self._waiting: queue.SimpleQueue[tuple[Trial, Estimator] | str] = queue.SimpleQueue()
        self._added = self._recorded = 0
        self._thread = threading.Thread(target=self._record_all, name="records", daemon=True)
        self._thread.start()

    def add(self, trial: Trial, estimator: Estimator) -> None:
        """Adds a trial that has ended, which may be recorded already."""
        self._added += 1
        self._waiting.put((trial, estimator))

    def finish(self, status: str) -> int:
        """Waits for the records, but not for long, and ends the sweep's run so; returns how many trials are not
        recorded."""
        self._waiting.put(status)
        self._thread.join(FLUSH)
        return self._added - self._recorded

    def _record_all(self) -> None:
        parent: tuple[str, str] | None = None
        while not isinstance(item := self._waiting.get(), str):
            while True:
                try:
                    parent = parent or self._parent()
                    self._record(*parent, *item)
                    break
                except Unavailable as error:
                    say(f"trial {item[0].number} is not recorded yet: {error}")
                    time.sleep(_PAUSE)
            self._recorded += 1
        if parent is not None:
            self._tracking.end(parent[1], item)

    def _parent(self) -> tuple[str, str]:
        """Returns the ids of the experiment, which is the Model's, and of the sweep's run."""
        subject = self._task.subject
        experiment = self._tracking.experiment(experiment_of(self._task))
        run = self._tracking.open(experiment, subject.name, subject.uid)
        return experiment, run

    def _record(self, experiment: str, parent: str, trial: Trial, estimator: Estimator) -> None:
        subject, select = self._task.subject, estimator.features.select
        params = {"algorithm": estimator.algorithm, **estimator.params}
        params |= {"features.select.method": select.method, "features.select.keep": select.keep} if select else {}
        metrics = {} if trial.value is None else {str(self._task.spec.objective): trial.value}
        tags = {"mlflow.parentRunId": parent, "modelyard.dev/sweep": subject.name}
        tags |= {"modelyard.dev/error": trial.error} if trial.error else {}
        name = f"{subject.name}-{trial.number}"
        status = "FAILED" if trial.error else "FINISHED"
        self._tracking.log(experiment, name, f"{subject.uid}-{trial.number}", params, metrics, tags, status)
