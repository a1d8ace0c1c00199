"""Metrics that a training reports while it runs, in its run of the tracking server."""

from __future__ import annotations

import math
import re
import time
from typing import Any

from modelyard_api.fields.metrics import METRICS
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.pod.tracked import experiment_of
from modelyard_runtime.pod.tracking import Tracking
from modelyard_runtime.pod.web import Web

INTERVAL = 1.0
"""Fewest seconds between two requests: a server on SQLite takes some forty writes a second, of all runs together."""
MOST = 1000
"""Most metrics in a request that MLflow takes."""
_NAME = re.compile(r"[A-Za-z0-9_\-. :/]{1,250}")


class LiveMetrics:
    """Collects metrics, and sends them at most once a second. Its run in the tracking server exists from the first."""

    def __init__(self, task: TrainTask, web: Web) -> None:
        self._task, self._tracking = task, Tracking(web)
        self._run: str | None = None
        self._values: list[dict[str, Any]] = []
        self._sent = 0.0

    def add(self, metric: str, value: float, step: int = 0) -> None:
        """Raises ValueError for what can't be kept, and Unavailable if the server is away for long."""
        if not isinstance(metric, str) or not _NAME.fullmatch(metric):
            raise ValueError(f"metric {metric!r}: up to 250 letters, digits, spaces and _-.:/ are allowed")
        if metric in METRICS:
            raise ValueError(
                f"metric {metric!r} is scored on the held-out rows once train has returned; name yours another way, "
                f"such as 'validation/{metric}'"
            )
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"metric {metric!r}: {number} is not a finite number")
        now = time.time()
        self._values.append({"key": metric, "value": number, "timestamp": int(now * 1000), "step": int(step)})
        if len(self._values) >= MOST or now - self._sent >= INTERVAL:
            self.flush()

    def flush(self) -> None:
        if not self._values:
            return
        if self._run is None:
            experiment = self._tracking.experiment(experiment_of(self._task))
            self._run = self._tracking.open(experiment, self._task.subject.name, self._task.subject.uid)
        self._tracking.log_metrics(self._run, self._values)
        self._values, self._sent = [], time.time()
