"""A worker: asks the coordinator for one trial after the other, and tries each in a child."""

from __future__ import annotations

import secrets
import time
from typing import Any

from modelyard_api.fields.metrics import METRICS
from modelyard_api.fields.trainer import Estimator
from modelyard_api.wire.task import SweepTask
from modelyard_runtime.pod import outcome
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Unavailable, Web
from modelyard_runtime.search import child
from modelyard_runtime.search.validation import folds, prepare, score
from modelyard_runtime.tables import frames

PATIENCE = 600.0
"""Seconds for which a worker waits for a coordinator that doesn't answer: its pod may have to be replaced."""
LOOK = 10.0
"""Seconds after which it looks whether the search has ended meanwhile."""


class Worker:
    def __init__(self, task: SweepTask, store: ArtifactStore, address: str, index: int) -> None:
        self._task, self._store = task, store
        self._web = Web(f"http://{address}", LOOK, "the coordinator", token=None)
        self._me = {"uid": task.subject.uid, "worker": f"{index}-{secrets.token_hex(4)}"}
        self.kind = METRICS[task.spec.objective].task
        self._table = frames.training(store, task.data, self.kind)
        self._folds = folds(task.spec, self._table, self.kind)
        prepare(task.spec, self._table, self.kind)

    def work(self) -> None:
        """Tries until the search is over. Raises Unavailable."""
        told: dict[str, Any] | None = None
        while not (answer := self._call("/next", {"told": told})).get("done"):
            if "wait" in answer:
                time.sleep(answer["wait"])
                told = None
                continue
            told = self._tried(answer)

    def result(self) -> dict[str, Any]:
        """Returns the coordinator's last words: the result, or the error of the search."""
        return self._call("/result", {})

    def _tried(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Returns what became of a trial, or None if it is not this worker's any more."""
        trial = {"trial": answer["trial"], "attempt": answer["attempt"]}
        chosen = Estimator.model_validate(answer["estimator"])
        spec, began = self._task.spec, time.monotonic()
        try:
            value = child.run(
                lambda: score(spec, chosen, self._table, self.kind, self._folds),
                self._task.trial_seconds,
                lambda: bool(self._call("/renew", trial).get("keep")),
            )
        except child.Ended as ended:
            say(f"trial {answer['trial']}, {chosen.algorithm}: failed: {ended}")
            return {**trial, "value": None, "error": str(ended)}
        if value is None:
            say(f"trial {answer['trial']} is not wanted any more")
            return None
        say(f"trial {answer['trial']}, {chosen.algorithm}: {value:.6g} in {time.monotonic() - began:.2f} s")
        return {**trial, "value": value, "error": None}

    def _call(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Calls the coordinator, as long as the search has no result. Raises Unavailable."""
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                answer: dict[str, Any] = self._web.json("POST", self._web.base + path, {**self._me, **document})
                return answer
            except Unavailable:
                if outcome.earlier(self._task, self._store, self._task.kind) is not None:
                    return {"done": True}
                if time.monotonic() > ends:
                    raise
                time.sleep(1)  # it may have been refused at once
