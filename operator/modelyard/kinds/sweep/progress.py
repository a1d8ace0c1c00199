"""Reads how far a search is: the newest part of its journal says so, also after its pods are gone."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from pydantic import ValidationError

from modelyard.engine.plan import Facts, Listing, Result
from modelyard.kinds.sweep.children import journal_uri
from modelyard.workload.conclude import RETRY, Waits, read
from modelyard_api.fields.status import Progress
from modelyard_api.kinds.sweep import BestTrial, Sweep, SweepSpec, SweepStatus, Trials
from modelyard_api.wire.result import SweepResult, TrialResult

INTERVAL = timedelta(seconds=10)
"""Interval of reading how far a search is while it runs."""
_PART = re.compile(r"[0-9]{4,9}-[0-9a-f]{8}-[0-9]{6,9}\.json")


def newest(sweep: Sweep, facts: Facts, now: datetime) -> SweepResult | None:
    """Returns how far the search is, or None if nothing is known. Raises Missing and Waits."""
    folder = journal_uri(sweep)
    names = read(facts, Listing(folder), "ArtifactStoreUnavailable", now + RETRY)
    parts = sorted(name for name in names if _PART.fullmatch(name))
    if not parts:
        return None
    part = read(facts, Result(f"{folder}/{parts[-1]}"), "ArtifactStoreUnavailable", now + RETRY)
    try:
        return SweepResult.model_validate(part["summary"])
    except (TypeError, KeyError, ValidationError):
        return None


def glanced(sweep: Sweep, facts: Facts, now: datetime) -> SweepResult | None:
    """Returns the same, and None if it can't be read now: the search goes on all the same. Raises Missing."""
    try:
        return newest(sweep, facts, now)
    except Waits:
        return None


def with_progress(
    spec: SweepSpec, status: SweepStatus, known: SweepResult | None, ended: str | None = None
) -> SweepStatus:
    """Returns the status with what is known of the search; it stays as it is if nothing is.

    ``ended`` says what has ended the search before all trials.
    """
    if known is None:
        return status
    finished = known.succeeded + known.failed
    failed = f", {known.failed} of them failed" if known.failed else ""
    early = f"; {ended}" if ended else ""
    untracked = f", {known.untracked} without a run in the tracking server" if known.untracked else ""
    return status.model_copy(
        update={
            "trials": Trials(running=known.running, succeeded=known.succeeded, failed=known.failed),
            "progress": Progress(
                percent=min(100 * finished // spec.max_trials, 100),
                message=f"{finished} of {spec.max_trials} trials{failed}{untracked}{early}",
            ),
            "best": _best(known.best) if known.best else None,
        }
    )


def _best(best: TrialResult) -> BestTrial:
    estimator, select = best.estimator, best.estimator.features.select
    params = {"algorithm": estimator.algorithm}
    params |= {name: json.dumps(value)[:256] for name, value in estimator.params.items()}
    if select:
        params |= {"features.select.method": select.method, "features.select.keep": str(select.keep)}
    return BestTrial(trial=best.trial, value=best.value, params=params)
