"""The coordinator: it alone knows the study, and answers the workers by HTTP. It runs beside the first pod's worker.

A worker asks with one call: what became of its last trial, and which is its next. The answer is given once the journal
is written. Each call may be repeated: a trial is told once, and a worker that asks again gets the trial that it has.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from modelyard_api.fields.artifact import folder
from modelyard_api.fields.metrics import METRICS
from modelyard_api.wire.result import SweepResult, TrialResult
from modelyard_api.wire.task import SweepTask
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.search.journal import Journal
from modelyard_runtime.search.records import Records
from modelyard_runtime.search.space import estimator
from modelyard_runtime.search.study import Study
from modelyard_runtime.search.trials import LEASE, Entry, Trial, Trials

WAIT = 1.0
"""Seconds after which a worker asks again, while others try the last trials."""
Answer = dict[str, Any]


class Coordinator:
    """Its methods may be called by several threads at once."""

    def __init__(self, task: SweepTask, store: ArtifactStore) -> None:
        spec = task.spec
        self._task = task
        self._trials = Trials(spec.max_trials, spec.max_failed_trials, METRICS[spec.objective].greater_is_better)
        self._study, self._records, self._untracked = Study(spec), Records(task), 0
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._dismissed: set[str] = set()
        self._journal = Journal(store, journal_uri(task), self.summary)
        for entry in self._journal.entries():
            self._restore(entry)
        self._trials.hold(time.monotonic())
        if len(self._trials):
            say(f"the journal has {len(self._trials)} trials, of which {self._trials.running} have not ended")

    # --- what workers ask -------------------------------------------------------------------------------------------

    def next(self, worker: str, told: Answer | None) -> Answer:
        """Takes what became of a worker's trial, and returns its next one. Raises Unavailable."""
        now, entries = time.monotonic(), list[Entry]()
        with self._lock:
            self._seen[worker] = now
            if told and (entry := self._trials.tell(told["trial"], told["attempt"], told["value"], told["error"])):
                self._is_told(entry)
                entries.append(entry)
            entries += self._expired(now)
            trial = self._trials.of(worker) or self._trials.waiting(now)
            if trial is None and self._trials.may_ask:
                number = len(self._trials)
                entries.append({"event": "asked", "trial": number, "proposal": self._study.ask(number)})
                self._trials.apply(entries[-1])
                trial = self._trials[number]
            over = self._trials.is_over
            if trial is not None and not over:
                self._trials.lease(trial, worker, now)
            self._journal.note(entries)
        self._journal.flush()
        if over:
            with self._lock:
                self._dismissed.add(worker)
            return {"done": True}
        return self._to_try(trial) if trial else {"wait": WAIT}

    def renew(self, worker: str, trial: int, attempt: int) -> bool:
        """Prolongs a worker's lease; returns whether it is to go on with its trial."""
        with self._lock:
            self._seen[worker] = now = time.monotonic()
            return self._trials.renew(trial, attempt, worker, now)

    def dismissed_all(self) -> bool:
        """Whether every worker that still lives knows that the search is over."""
        now = time.monotonic()
        with self._lock:
            return all(now - at > LEASE for worker, at in self._seen.items() if worker not in self._dismissed)

    # --- what comes of it -------------------------------------------------------------------------------------------

    def summary(self) -> SweepResult:
        trials, best = self._trials, self._trials.best
        errors = trials.errors.most_common(1)
        return SweepResult(
            running=trials.running,
            succeeded=trials.succeeded,
            failed=trials.failed,
            best=self._result_of(best) if best else None,
            untracked=self._untracked,
            common_error=f"{errors[0][0]} ({errors[0][1]} of {trials.failed})" if errors else None,
            dataset_version=self._task.data.name,
            image=self._task.image,
        )

    def result(self) -> SweepResult:
        """Returns the result of a search that is over, once its trials are recorded. Raises UserError."""
        has_failed = self._trials.has_failed or self._trials.best is None
        self._untracked = self._records.finish("FAILED" if has_failed else "FINISHED")
        with self._lock:
            result = self.summary()
        allowed = self._task.spec.max_failed_trials
        if self._trials.has_failed:
            message = f"{result.failed} trials have failed, {allowed} may; most often: {result.common_error}"
            raise UserError("TooManyFailedTrials", message, "spec.maxFailedTrials")
        if result.best is None:
            raise UserError(
                "NoTrialSucceeded", f"no trial has a score; most often: {result.common_error}", "spec.search"
            )
        return result

    def _result_of(self, trial: Trial) -> TrialResult:
        assert trial.value is not None
        found = estimator(self._task.spec.search, trial.proposal)
        return TrialResult(trial=trial.number, value=trial.value, estimator=found)

    def _to_try(self, trial: Trial) -> Answer:
        found = estimator(self._task.spec.search, trial.proposal)
        return {"trial": trial.number, "attempt": trial.attempt, "estimator": found.wire()}

    # --- the study --------------------------------------------------------------------------------------------------

    def _expired(self, now: float) -> list[Entry]:
        entries = self._trials.expire(now)
        for entry in entries:
            say(f"trial {entry['trial']} has lost its worker: {entry.get('error') or 'it is queued again'}")
            self._is_told(entry)
        return entries

    def _is_told(self, entry: Entry) -> None:
        if entry["event"] == "told":
            trial = self._trials[entry["trial"]]
            self._study.tell(trial.number, trial.value)
            self._records.add(trial, estimator(self._task.spec.search, trial.proposal))

    def _restore(self, entry: Entry) -> None:
        """Applies an entry of the journal, unless two coordinators have written the same."""
        number, known = entry["trial"], len(self._trials)
        if entry["event"] == "asked":
            if number != known:
                return
            self._study.restore(entry["proposal"])
        elif number >= known or self._trials[number].has_ended:
            return
        self._trials.apply(entry)
        self._is_told(entry)


def journal_uri(task: SweepTask) -> str:
    return f"{folder(task.subject.namespace, task.subject.uid)}/journal"
