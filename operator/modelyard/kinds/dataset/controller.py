"""Wires Datasets into the engine."""

from __future__ import annotations

from modelyard.engine.resource import BATCH_PREDICTIONS
from modelyard.kinds.dataset.decide import decide
from modelyard.kinds.dataset.observe import observe
from modelyard.workload import pushes, users
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.dataset import Dataset

WIRING = Wiring(
    Dataset,
    observe,
    decide,
    wakes={BATCH_PREDICTIONS: pushes.wake},
    users=users.of_dataset,
    indexes=pushes.INDEXES,
)
