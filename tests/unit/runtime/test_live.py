"""Checks the metrics that a training reports while it runs, against answers as MLflow words them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelyard_api.wire.task import Data
from modelyard_runtime.pod.live import LiveMetrics
from modelyard_runtime.pod.web import Web
from tests.unit.runtime.memory import train_task
from tests.unit.runtime.test_tracking import Server

DATA = Data(name="d-1", uri="mlflow-artifacts:/d", digest="sha256:" + "0" * 64, target="y", columns=[])


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()

    def answer(path: str, _: Any) -> tuple[int, Any]:
        if "get-by-name" in path:
            return 200, {"experiment": {"experiment_id": "7", "lifecycle_stage": "active"}}
        return 200, {"run": {"info": {"run_id": "r"}}} if path.endswith("runs/create") else {"runs": []}

    server.answer = answer
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def metrics(server: Server) -> LiveMetrics:
    return LiveMetrics(train_task(DATA, "none"), Web(server.url()))


def test_many_metrics_are_few_requests_and_none_is_lost(server: Server, metrics: LiveMetrics) -> None:
    for step in range(2500):
        metrics.add("loss", 1 / (step + 1), step)
    metrics.flush()
    batches = server.documents("runs/log-batch")
    assert [item["step"] for batch in batches for item in batch["metrics"]] == list(range(2500))
    assert max(len(batch["metrics"]) for batch in batches) <= 1000
    assert len(batches) < 250
    assert len(server.documents("runs/create")) == 1
    assert batches[0]["run_id"] == "r"


def test_a_run_that_reports_nothing_asks_nothing(server: Server, metrics: LiveMetrics) -> None:
    metrics.flush()
    assert not server.requests


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("", 1), "up to 250 letters"),
        (("a" * 251, 1), "up to 250 letters"),
        (("loss;", 1), "'loss;': up to 250 letters"),
        ((3, 1), "metric 3: up to"),
        (("accuracy", 1), "scored on the held-out rows once train has returned"),
        (("loss", float("inf")), "not a finite number"),
        (("loss", "high"), "could not convert"),
        (("loss", 1, "last"), "invalid literal"),
    ],
)
def test_what_can_not_be_kept_is_refused(server: Server, metrics: LiveMetrics, arguments: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        metrics.add(*arguments)
    assert not server.requests
