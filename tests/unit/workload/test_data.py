"""Checks what a task says of the version that a run reads."""

from __future__ import annotations

from modelyard.workload.data import data_of
from tests.kinds import SAMPLES
from tests.kinds.sample import placed


def test_what_is_no_feature_and_what_counts_as_missing_is_told() -> None:
    version = placed(SAMPLES["DatasetVersion"].make({"key": ["x"], "missing": ["", "-"]}, namespace="team"), "team")
    data = data_of(version)
    assert (data.key, data.missing) == (["x"], ["", "-"])
