"""Checks the payload log: which predictions it holds, which fields, and its bounds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_server import manifest as manifests
from modelyard_server.manifest import Manifest
from modelyard_server.observe import payload
from modelyard_server.observe.payload import PayloadLog, sampled
from modelyard_server.rest import parse
from tests.unit.server.models import StoredModel
from tests.unit.server.serving import VERSION, Served


@pytest.fixture
def manifest(iris: StoredModel) -> Manifest:
    return manifests.read(Path(iris.folder))


def read(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def prediction(manifest: Manifest, identity: str, rows: int = 1) -> tuple[Any, list[Any]]:
    tensor = {"name": "x", "datatype": "FP32", "shape": [rows, 4], "data": [1, 2, None, 4] * rows}
    inference = parse(json.dumps({"id": identity, "inputs": [tensor]}).encode(), manifest)
    return inference, [np.array(["setosa"] * rows, dtype=object), np.full((rows, 3), 0.25, np.float32)]


def test_the_sample_depends_on_the_id_alone() -> None:
    ids = [f"order-{number}" for number in range(20_000)]
    tenth = {identity for identity in ids if sampled(identity, 0.1)}
    assert 0.09 < len(tenth) / len(ids) < 0.11
    assert tenth < {identity for identity in ids if sampled(identity, 0.5)}, "a higher rate adds to a lower one's"
    assert all(sampled(identity, 1.0) for identity in ids)
    assert not any(sampled(identity, 0.0) for identity in ids)


def test_a_server_logs_what_it_was_asked_and_answered(penguins: StoredModel, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    server = Served(penguins.folder, tmp_path, "--log-sample-rate", "0.5", "--log-dir", str(folder))
    predictions: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    began = time.time()
    try:
        server.wait_ready()
        for number in range(60):
            inputs = []
            for item in penguins.manifest["signature"]["inputs"]:
                values = penguins.column(item["name"], slice(number, number + 2))
                values = [float(value) if isinstance(value, np.floating) else value for value in values]
                inputs.append({"name": item["name"], "datatype": item["datatype"], "shape": [2], "data": values})
            identity = f"order-{number}"
            status, body = server.infer({"id": identity, "inputs": inputs})
            assert status == 200
            predictions[identity] = (
                {item["name"]: item["data"] for item in inputs},
                {item["name"]: item["data"] for item in body["outputs"]},
            )
        assert server.stop() == 0
    finally:
        server.process.kill()
        server.process.wait()
    rows = read(folder).to_pylist()
    assert {row["prediction_id"] for row in rows} == {identity for identity in predictions if sampled(identity, 0.5)}
    for row in rows:
        inputs, outputs = predictions[row["prediction_id"]]
        assert row["model_version"] == VERSION
        assert began - 1 < row["time"].timestamp() < time.time()
        for name, values in inputs.items():
            value = values[row["row"]]
            assert row[f"input.{name}"] == (value if value is not None else "" if name in ("island", "sex") else None)
        assert row["output.label"] == outputs["label"][row["row"]]
        probabilities = outputs["probabilities"][2 * row["row"] : 2 * row["row"] + 2]
        assert row["output.probabilities"] == pytest.approx(probabilities)


async def test_memory_and_disk_are_bounded(manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "FILE_BYTES", 100_000)
    monkeypatch.setattr(payload, "WAITING_BYTES", 300_000)
    log = PayloadLog(tmp_path, 1.0, 50_000)
    log.start()
    total = 0
    for _ in range(20):
        for number in range(50):
            log.add("m", "1", manifest, *prediction(manifest, f"{total}-{number}", 10), 10_000)
            total += 10
            assert log._held <= 300_000
        await asyncio.sleep(0.01)
    await log.close()
    assert log.rows + log.dropped == total
    assert log.rows > 0
    assert log.dropped > 0
    assert sum(sizes(tmp_path).values()) <= 50_000
    assert all(name.endswith(".parquet") for name in sizes(tmp_path))


async def test_what_was_not_asked_for_is_null(manifest: Manifest, tmp_path: Path) -> None:
    log = PayloadLog(tmp_path, 1.0, 10**9)
    log.start()
    log.add("m", "1", manifest, *prediction(manifest, "whole"), 100)
    request, arrays = prediction(manifest, "part", 2)
    request.outputs = request.outputs[:1]
    log.add("m", "1", manifest, request, arrays[:1], 100)
    await log.close()
    rows = {(row["prediction_id"], row["row"]): row for row in read(tmp_path).to_pylist()}
    assert set(rows) == {("whole", 0), ("part", 0), ("part", 1)}
    assert rows["whole", 0]["output.probabilities"] == [0.25] * 3
    assert rows["part", 1]["output.probabilities"] is None
    assert rows["whole", 0]["input.petal_length"] is None
    assert rows["part", 1]["output.label"] == "setosa"


async def test_a_disk_that_fails_fails_no_prediction(
    manifest: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    log = PayloadLog(folder, 1.0, 10**9)
    log.start()
    folder.rmdir()
    log.add("m", "1", manifest, *prediction(manifest, "a", 3), 100)
    await log.close()
    assert (log.rows, log.dropped, log._held) == (0, 3, 0)
    assert "3 rows were not written" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_said(iris: StoredModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    server = Served(iris.folder, tmp_path, "--log-sample-rate", "1", "--log-dir", str(tmp_path / "file"))
    assert server.process.wait(30) == 2
    assert "--log-dir" in server.last_words


def test_pyarrow_is_not_imported_unless_it_is_switched_on() -> None:
    code = "import sys, modelyard_server.server; print('pyarrow' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "False"
