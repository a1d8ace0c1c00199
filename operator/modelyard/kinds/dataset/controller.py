"""Wires Datasets into the engine."""

from __future__ import annotations

from modelyard.engine.resource import BATCH_PREDICTIONS, DATASET_VERSIONS
from modelyard.kinds.dataset.decide import decide
from modelyard.kinds.dataset.observe import observe
from modelyard.workload import pushes, users
from modelyard.workload.wiring import Wiring, labelled, sharing, waking
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersion

WIRING = Wiring(
    Dataset,
    observe,
    decide,
    wakes={
        BATCH_PREDICTIONS: pushes.wake,
        # A version counts once it is Ready, which its Dataset may have said before.
        DATASET_VERSIONS: waking(labelled(Dataset), sharing(Dataset, DatasetVersion, "Dataset")),
    },
    users=users.of_dataset,
    indexes=pushes.INDEXES,
)
