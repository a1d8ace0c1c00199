"""Tables that runs push into a Dataset: which of them it has not registered yet.

A run that has made its table waits until ``status.pushed`` of the Dataset names it. The Dataset takes the next one only
after that run has ended, so none misses its answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import BATCH_PREDICTIONS, DATASETS, Key, Object
from modelyard.engine.store import Store
from modelyard.workload.run.ending import is_unfinished
from modelyard.workload.wiring import beside
from modelyard_api.installation import Installation
from modelyard_api.kinds.batchprediction import BatchPrediction

PREDICTED, ACCEPTED = "Predicted", "VersionAccepted"
"""The condition of a run that has made its table, and the reason in ``status.pushed`` of one that was accepted."""
_PUSHING = "pushing"


def waiting(store: Store, dataset: Object) -> tuple[BatchPrediction, ...]:
    """Returns the runs whose table the Dataset is to register, in the order in which they ended."""
    place = beside(dataset, dataset["metadata"]["name"])
    runs = [BatchPrediction.model_validate(obj) for obj in store.find(BATCH_PREDICTIONS, _PUSHING, place)]
    return tuple(sorted(runs, key=lambda run: (run.status.completion_time or "", run.name)))


def wake(run: Object, _: Store) -> Iterable[Key]:
    """Returns the Dataset to which a run has pushed, or pushes."""
    if not kstatus.holds(run, PREDICTED):
        return ()
    return (Key(DATASETS, run["metadata"]["namespace"], _dataset(run)),)


def _pushing(run: Object, _: Installation) -> Iterable[str]:
    return (beside(run, _dataset(run)),) if kstatus.holds(run, PREDICTED) and is_unfinished(run) else ()


def _dataset(run: Object) -> str:
    return str(run["spec"]["output"]["datasetRef"]["name"])


INDEXES = {BATCH_PREDICTIONS: {_PUSHING: _pushing}}
"""The index of the runs by the Dataset that is to register their table."""
