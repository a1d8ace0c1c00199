"""Ends what a run that has failed has left open in the tracking server.

A pod that is stopped does so itself. One that was killed, by its memory limit or with its node, can't, and no other pod
follows that would.
"""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.plan import Closed, Facts
from modelyard.workload.conclude import RETRY, Trouble, read
from modelyard_api.fields.artifact import experiment
from modelyard_api.kinds.sweep import Sweep
from modelyard_api.kinds.trainingrun import TrainingRun


def close(owner: TrainingRun | Sweep, trouble: Trouble, facts: Facts, now: datetime) -> None:
    """Sees that no run of ``owner`` is open, in the experiment of its Model or its own. Raises Missing and Waits."""
    model = owner.spec.model_ref
    status = "KILLED" if trouble.reason == "DeadlineExceeded" else "FAILED"
    need = Closed(experiment(owner.namespace, model.name if model else owner.name), owner.uid, status)
    read(facts, need, "ArtifactStoreUnavailable", now + RETRY)
