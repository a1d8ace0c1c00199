"""Checks that champion and challenger are scored on the same rows, without those that only the champion has seen."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.result import EvaluateResult, TrainResult
from modelyard_api.wire.task import Challenger, Data, EvaluateTask
from modelyard_runtime.commands.evaluate import evaluate
from modelyard_runtime.pod.errors import UserError
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore, data_of, run_ingest, run_train

HEADER = "x,unit,y"
OLD = [f"{number},{'a' if number % 3 else ''},{'yes' if number % 7 < 3 else 'no'}" for number in range(200)]
NEW = [f"{number},b,{'yes' if number % 5 < 2 else 'no'}" for number in range(200, 300)]
TREE = "DecisionTreeClassifier"


def ingest(store: MemoryStore, folder: Path, rows: list[str], seed: int = 7) -> Data:
    (folder / "t.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    split = {"test": 0.25, "strategy": "Stratified", "seed": seed}
    return data_of(run_ingest(folder, "t.csv", store, target="y", split=split))


def compared(
    store: MemoryStore, data: Data, champion: TrainResult, challenger: TrainResult, trained_on: Data | None
) -> EvaluateResult:
    task = EvaluateTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/e",
        result_uri=f"{STORE}/e/r",
        data=data,
        artifact_uri=champion.artifact_uri,
        artifact_digest=champion.artifact_digest,
        task="Classification",
        challenger=Challenger(artifact_uri=challenger.artifact_uri, artifact_digest=challenger.artifact_digest),
        trained_on=trained_on,
    )
    return evaluate(task, store)


def test_rows_that_the_champion_remembers_are_left_out(tmp_path: Path) -> None:
    """A tree knows its training rows by heart, and these labels can't be learnt from other rows."""
    store = MemoryStore()
    old = ingest(store, tmp_path, OLD)
    champion = run_train(store, old, TREE)
    grown = ingest(store, tmp_path, [*OLD, *NEW], seed=8)
    challenger = run_train(store, grown, TREE)
    everything = compared(store, grown, champion, challenger, None)
    fair = compared(store, grown, champion, challenger, old)
    assert everything.rows == 75
    assert 0 < (fair.rows or 0) < 60
    assert everything.challenger_metrics == pytest.approx(challenger.metrics, rel=1e-5, abs=1e-5)
    flattered = everything.metrics["accuracy"] - everything.challenger_metrics["accuracy"]
    assert fair.metrics["accuracy"] - fair.challenger_metrics["accuracy"] < flattered - 0.1


def test_the_same_rows_split_anew_say_nothing_if_the_champion_has_seen_them_all(tmp_path: Path) -> None:
    store = MemoryStore()
    old = ingest(store, tmp_path, OLD)
    champion = run_train(store, old, TREE)
    part = ingest(store, tmp_path, [row for row in OLD if row not in held_out(store, old)])
    challenger = run_train(store, part, TREE)
    with pytest.raises(UserError) as caught:
        compared(store, part, champion, challenger, old)
    assert caught.value.reason == "NoUnseenRows"


def held_out(store: MemoryStore, data: Data) -> set[str]:
    """Returns the held-out rows as they were written."""
    table = pq.read_table(io.BytesIO(store.files[f"{data.uri}/test.parquet"])).to_pandas()
    numbers = {int(x) for x in table["x"]}
    return {row for row in OLD if int(row.split(",")[0]) in numbers}
