"""Checks that the README's objects train a model that passes its gate and answers the requests in the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documentation import PAGES, README, ROOT, blocks, documents
from tests.unit.runtime.memory import MemoryStore, data_of, lay_down, run_ingest, run_train
from tests.unit.server.serving import Served, running

EXAMPLE = ROOT / "manifests" / "examples" / "penguins"
SPECS = {document["kind"]: document["spec"] for _, document in documents(README)}
REQUESTS = [
    json.loads(body)
    for page in PAGES
    for text in (*blocks(page, "bash"), *blocks(page, "console"))
    for body in re.findall(r"-d '(\{.*?\})'", text, re.DOTALL)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, store = tmp_path_factory.mktemp("docs"), MemoryStore()
    dataset: dict[str, Any] = {
        key: value for key, value in SPECS["Dataset"].items() if key not in ("source", "checkEvery")
    }
    rows = run_ingest(EXAMPLE, "penguins-2008.csv", store, **dataset)
    assert rows.accepted
    estimator = SPECS["TrainingRun"]["trainer"]["estimator"]
    trained = run_train(store, data_of(rows), estimator["algorithm"], estimator["params"])
    for gate in SPECS["Model"]["gates"]:
        assert trained.metrics[gate["metric"]] >= gate["min"]
    with running(lay_down(store, trained, folder / "model"), Path(folder)) as server:
        yield server


def test_there_are_requests() -> None:
    assert len(REQUESTS) >= 2


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_it_is_answered(server: Served, request_: dict[str, Any]) -> None:
    code, answer = server.infer(request_)
    assert code == 200, answer
    labels = next(output["data"] for output in answer["outputs"] if output["name"] == "label")
    assert labels[0] == "Gentoo"
    assert answer["id"] == request_.get("id", answer["id"])
