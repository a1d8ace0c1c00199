"""A sample of generated tables: ingest, the training pipeline, batch prediction and a real server agree on each."""

from __future__ import annotations

import pytest

from tests.unit.meaning.run import disagreements

TABLES = 20


@pytest.mark.filterwarnings("ignore")
def test_a_value_means_the_same_from_file_to_answer() -> None:
    assert disagreements(range(TABLES)) == {}
