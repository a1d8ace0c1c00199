"""The trials of a sweep: who tries which, for how long, and how each ended. Knows no network and no sampler.

Every change is an entry, a plain dict, and applying the entries again in their order leads to the same trials. Leases
are no entries: after a restart all workers have a whole lease to go on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from modelyard_runtime.search.space import Proposal

LEASE = 15.0
"""Seconds after which a trial whose worker has said nothing is queued again."""
RETRIES = 2
"""How often the same trial is queued again before it counts as failed."""
MAX_ERROR = 500
Entry = dict[str, Any]


@dataclass
class Trial:
    number: int
    proposal: Proposal
    attempt: int = 1
    worker: str | None = None
    """Who tries it; None while it waits for a worker."""
    until: float = 0.0
    value: float | None = None
    error: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.value is not None or self.error is not None


class Trials:
    def __init__(self, max_trials: int, max_failed: int, greater_is_better: bool) -> None:
        self._max_trials, self._max_failed, self._greater = max_trials, max_failed, greater_is_better
        self._all: list[Trial] = []
        self.succeeded, self.failed = 0, 0
        self.best: Trial | None = None
        self.errors: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: int) -> Trial:
        return self._all[number]

    @property
    def running(self) -> int:
        return len(self._all) - self.succeeded - self.failed

    @property
    def is_over(self) -> bool:
        """Whether no trial is to be tried any more."""
        return self.succeeded + self.failed >= self._max_trials or self.has_failed

    @property
    def has_failed(self) -> bool:
        return self.failed > self._max_failed

    @property
    def may_ask(self) -> bool:
        return not self.is_over and len(self._all) < self._max_trials

    # --- changes ----------------------------------------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """Applies an entry, from now or from the journal."""
        number = entry["trial"]
        match entry["event"]:
            case "asked":
                assert number == len(self._all), "trials are asked for in the order of their numbers"
                self._all.append(Trial(number, entry["proposal"]))
            case "expired":
                trial = self._all[number]
                trial.attempt, trial.worker, trial.until = trial.attempt + 1, None, 0.0
            case "told":
                self._end(self._all[number], entry.get("value"), entry.get("error"))

    def tell(self, number: int, attempt: int, value: float | None, error: str | None) -> Entry | None:
        """Returns the entry by which a trial ends, applied, or None if that is known, or comes too late."""
        if not 0 <= number < len(self._all):
            return None
        trial = self._all[number]
        if trial.has_ended or trial.attempt != attempt or self.is_over:
            return None
        entry: Entry = {"event": "told", "trial": number, "attempt": attempt}
        entry |= {"value": value} if value is not None else {"error": (error or "no reason")[:MAX_ERROR]}
        self.apply(entry)
        return entry

    def expire(self, now: float) -> list[Entry]:
        """Returns the entries, applied, of the leases that have run out."""
        entries = []
        for trial in self._unended():
            if trial.worker is None or trial.until > now or self.is_over:
                continue
            if trial.attempt <= RETRIES:
                entry: Entry = {"event": "expired", "trial": trial.number, "attempt": trial.attempt}
            else:
                error = f"WorkerLost: {trial.attempt} workers were lost while they tried it"
                entry = {"event": "told", "trial": trial.number, "attempt": trial.attempt, "error": error}
            self.apply(entry)
            entries.append(entry)
        return entries

    # --- leases -----------------------------------------------------------------------------------------------------

    def of(self, worker: str) -> Trial | None:
        """Returns the trial that this worker tries. Its last answer was lost if it asks for another one."""
        return next((trial for trial in self._unended() if trial.worker == worker), None)

    def waiting(self, now: float) -> Trial | None:
        """Returns the first trial that nobody tries."""
        free = (trial for trial in self._unended() if trial.worker is None and trial.until <= now)
        return next(free, None)

    def hold(self, now: float) -> None:
        """Leaves all trials that have not ended, after a restart, to the workers that try them, if they still live."""
        for trial in self._unended():
            trial.worker, trial.until = None, now + LEASE

    def lease(self, trial: Trial, worker: str, now: float) -> None:
        trial.worker, trial.until = worker, now + LEASE

    def renew(self, number: int, attempt: int, worker: str, now: float) -> bool:
        """Prolongs a lease; returns whether the worker is to go on."""
        if self.is_over or not 0 <= number < len(self._all):
            return False
        trial = self._all[number]
        if trial.has_ended or trial.attempt != attempt or trial.worker not in (None, worker):
            return False
        self.lease(trial, worker, now)
        return True

    def _unended(self) -> list[Trial]:
        return [trial for trial in self._all if not trial.has_ended] if self.running else []

    def _end(self, trial: Trial, value: float | None, error: str | None) -> None:
        if trial.has_ended:
            return
        trial.value, trial.error, trial.worker = value, error if value is None else None, None
        if value is None:
            self.failed += 1
            self.errors[trial.error or ""] += 1
            return
        self.succeeded += 1
        best = self.best.value if self.best else None
        if best is None or (value > best if self._greater else value < best):
            self.best = trial
