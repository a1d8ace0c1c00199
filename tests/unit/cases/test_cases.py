"""Takes each table of the cases from its file by ingest and training to the answers of the real server.

The models are trained one by one as the cases run, and one server serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.result import IngestResult, TrainResult
from modelyard_runtime.pod.errors import UserError
from tests.unit.cases.table import CASES, Ask, Case
from tests.unit.runtime.memory import MemoryStore, data_of, lay_down, run_ingest, run_train
from tests.unit.server.serving import Served, running

FILES = Path(__file__).with_name("files")
SERVED = [case for case in CASES if not case.refused and not case.violation]


@dataclass
class Trained:
    """What came of each case before a model is served."""

    folder: Path
    tables: dict[str, IngestResult] = field(default_factory=dict)
    models: dict[str, TrainResult] = field(default_factory=dict)
    refused: dict[str, UserError] = field(default_factory=dict)

    def run(self, case: Case) -> None:
        store = MemoryStore()
        try:
            table = run_ingest(FILES, case.file, store, target=case.target, **case.spec)
            self.tables[case.name] = table
            if not table.accepted:
                return
            model = run_train(store, data_of(table), case.algorithm)
        except UserError as error:
            self.refused[case.name] = error
            return
        self.models[case.name] = model
        lay_down(store, model, self.folder / case.name / "1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    trained = Trained(tmp_path_factory.mktemp("cases") / "models")
    trained.folder.mkdir()
    for case in CASES:
        trained.run(case)
    return trained


@pytest.fixture(scope="module")
def server(trained: Trained) -> Iterator[Served]:
    with running(trained.folder, trained.folder.parent, repository=True) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_table(case: Case, trained: Trained) -> None:
    if case.refused:
        _says(trained.refused[case.name], case.refused)
        return
    table = trained.tables[case.name]
    types = {column.name: column.type for column in table.columns}
    assert {name: types.get(name) for name in case.types} == case.types
    assert set(case.doubts) <= {doubt.reason for doubt in table.doubts}
    assert table.accepted == (not case.violation), table.violations
    if case.violation:
        told = "; ".join(str(violation.wire()) for violation in table.violations)
        for words in case.violation:
            assert words in told


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.name)
def test_the_model_and_its_answers(case: Case, trained: Trained, server: Served) -> None:
    if case.untrained:
        _says(trained.refused[case.name], case.untrained)
        return
    model = trained.models[case.name]
    if case.algorithm != "Ridge":
        assert model.metrics["balanced_accuracy"] >= case.least
    for ask in case.asks or (Ask(model.signature.inputs[0].name, None),):
        status, answer = server.infer(_request(model, ask), f"/v2/models/{case.name}/infer")
        assert status == 200, answer
        label = answer["outputs"][0]["data"][0]
        assert ask.label in (None, str(label)), answer


def _request(model: TrainResult, ask: Ask) -> dict[str, Any]:
    assert ask.column in {item.name for item in model.signature.inputs}
    inputs = [
        {
            "name": item.name,
            "shape": [1],
            "datatype": "BOOL" if item.name == ask.column and ask.value is True else item.datatype,
            "data": [ask.value if item.name == ask.column else None],
        }
        for item in model.signature.inputs
    ]
    return {"inputs": inputs}


def _says(error: UserError, words: tuple[str, ...]) -> None:
    assert error.reason == words[0], error.message
    for word in words[1:]:
        assert word in error.message


def test_words_that_are_missing_in_training_are_missing_in_a_request(trained: Trained, server: Served) -> None:
    """Case 2: the label of "NA" and of null is that of the rows that had them."""
    case = next(case for case in CASES if case.number == 2)
    model = trained.models[case.name]
    answers = [
        server.infer(_request(model, Ask("country", value)), f"/v2/models/{case.name}/infer")[1]["outputs"]
        for value in ("NA", None, "null", "")
    ]
    assert answers.count(answers[0]) == len(answers)


def test_a_word_among_numbers_does_not_change_the_type_of_the_next_version() -> None:
    """Case 4: May was accepted, so June's readings stay numbers, and the word is a violation with its row."""
    may = run_ingest(FILES, "reading-may.csv", target="y")
    june = run_ingest(FILES, "reading-june.csv", target="y", previous=may)
    assert {column.name: column.type for column in june.columns} == {"reading": "Float", "y": "Category"}
    assert not june.accepted
    assert [(item.column, item.examples, item.rows) for item in june.violations] == [("reading", ["Bad Input"], [79])]


def test_free_text_and_identifiers_are_no_inputs_of_a_model(trained: Trained) -> None:
    for case in CASES:
        never = {name for name, type_ in case.types.items() if type_ in ("Text", "Identifier")}
        if case.name in trained.models:
            assert not never & {item.name for item in trained.models[case.name].signature.inputs}


def test_the_same_instants_are_one_version_whatever_file_they_come_in(trained: Trained) -> None:
    """Case 27."""
    one, other = (table for name, table in trained.tables.items() if name.startswith("27-"))
    assert one.digest == other.digest


def test_exact_decimals_are_the_numbers_that_a_text_says(tmp_path: Path, trained: Trained) -> None:
    """Case 28."""
    rows = pq.read_table(FILES / "decimal.parquet").to_pylist()
    (tmp_path / "decimal.csv").write_text("price,y\n" + "".join(f"{row['price']},{row['y']}\n" for row in rows))
    assert run_ingest(tmp_path, "decimal.csv", target="y").digest == trained.tables["28-decimal-parquet"].digest


def test_one_letter_is_one_category_however_it_is_composed(tmp_path: Path) -> None:
    """Case 34."""
    rows = "".join(f"{text},{size},{'ab'[size % 2]}\n" for size in range(1, 21) for text in ("caf\u00e9", "cafe\u0301"))
    (tmp_path / "t.csv").write_text("c,size,y\n" + rows + "tea,-999,a\n")
    table = run_ingest(tmp_path, "t.csv", target="y")
    assert next(column.distinct for column in table.columns if column.name == "c") == 2
    assert [(doubt.column, doubt.reason) for doubt in table.doubts] == [("size", "SentinelValue")]


def test_the_columns_of_a_wide_version_are_read_beside_its_rows() -> None:
    store = MemoryStore()
    may = run_ingest(FILES, "reading-may.csv", store, target="y")
    june = run_ingest(FILES, "reading-june.csv", store, target="y", previous=may.model_copy(update={"columns": []}))
    assert [item.rule for item in june.violations] == ["type Float"]
    assert june.changes == []
