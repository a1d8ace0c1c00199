"""Scores a champion and its challenger on rows that neither has an advantage on."""

from __future__ import annotations

import numpy as np

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.metrics import Task
from modelyard_api.wire.task import Data
from modelyard_runtime.models.held_out import check_inputs
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables import frames
from modelyard_runtime.tables.intake import Intake


def fair_rows(store: ArtifactStore, data: Data, trained_on: Data | None, intake: Intake, kind: Task) -> frames.Table:
    """Returns the held-out rows of ``data`` without those that only the champion was trained on.

    A table that grows is split anew, so rows that the champion was trained on become held-out rows. A row that equals a
    training row of both stays. Raises UserError if none is left.
    """
    check_inputs(intake.inputs, data)
    test = frames.load(store, data, TEST_PARQUET, intake, kind)
    if trained_on is None:
        return test
    check_inputs(intake.inputs, trained_on)
    hashes = test.hashes()
    by_champion = np.isin(hashes, frames.load(store, trained_on, TRAIN_PARQUET, intake, kind).hashes())
    by_challenger = np.isin(hashes, frames.load(store, data, TRAIN_PARQUET, intake, kind).hashes())
    fair = test.where(~by_champion | by_challenger)
    if not len(fair.target):
        message = (
            f"the champion was trained on each of the {len(hashes)} held-out rows of {data.name}, so they say nothing "
            "about it; bring rows that are new to it"
        )
        raise UserError("NoUnseenRows", message)
    return fair
