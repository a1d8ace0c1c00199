"""Takes a drawn table from its file to answers, by every way there is, and tells where two of them differ."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.pipeline import Pipeline

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import IngestResult, TrainResult
from modelyard_api.wire.task import PredictTask
from modelyard_runtime.commands.predict import predict
from modelyard_runtime.models import agreement, package
from modelyard_runtime.pod.errors import UserError
from tests.unit.meaning.tables import Drawn
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore, data_of, run_ingest
from tests.unit.server.serving import Served
from tests.unit.server.trained import train_to

CLOSE = 1e-4
TIE = 1e-4


@dataclass
class Trained:
    """A model of a drawn table, in ``folder``, and the answers of its own pipeline and of a batch to the new rows."""

    drawn: Drawn
    folder: Path
    result: TrainResult
    own: dict[str, np.ndarray]
    batch: dict[str, list[Any]]
    differences: list[str]


def train(drawn: Drawn, scratch: Path, folder: Path) -> Trained:
    """Ingests the file, trains, and scores the new rows in a batch. Raises UserError."""
    store = MemoryStore()
    version = _ingested(
        store, scratch, drawn.text, target=drawn.target, columns=drawn.declarations(), source=_source(drawn)
    )
    differences = list(_stored(store, version, drawn))
    made = train_to(folder, store, data_of(version), drawn.algorithm, drawn.params)
    batch = _batch(store, scratch, drawn, version, made.result)
    own = _own(store, made.pipeline, made.result, drawn)
    return Trained(drawn, made.folder, made.result, own, batch, differences)


def _source(drawn: Drawn) -> dict[str, Any]:
    return {} if drawn.missing is None else {"csv": {"missing": drawn.missing}}


def _ingested(store: MemoryStore, scratch: Path, text: str, **spec: Any) -> IngestResult:
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "t.csv").write_bytes(text.encode())
    version = run_ingest(scratch, "t.csv", store, **spec)
    if not version.accepted:
        raise UserError("Rejected", str(version.violations))
    return version


def _rows(store: MemoryStore, uri: str) -> dict[str, dict[str, Any]]:
    parts = [pq.read_table(pa.BufferReader(store.files[f"{uri}/{part}.parquet"])) for part in ("train", "test")]
    return {row["row"]: row for row in pa.concat_tables(parts).to_pylist()}


def _stored(store: MemoryStore, version: IngestResult, drawn: Drawn) -> Iterator[str]:
    """Yields the cells that ingest read as other values than those that were written."""
    types = {column.name: column.type for column in version.columns}
    for column in drawn.columns:
        if types[column.name] != column.type:
            yield f"{column.name} is read as {types[column.name]}, not as {column.type}"
    for name, row in _rows(store, version.uri).items():
        for column in drawn.columns:
            value, was = row[column.name], drawn.rows[int(name[2:])][column.name]
            if value != was:
                yield f"{name}, {column.name}: {was!r} is read as {value!r}"


def _batch(
    store: MemoryStore, scratch: Path, drawn: Drawn, version: IngestResult, model: TrainResult
) -> dict[str, Any]:
    """Returns output name -> the answers to the new rows, which come as a table of the same declared types."""
    declared = [
        {key: value for key, value in column.wire().items() if key in ("name", "type", "format", "timeZone")}
        for column in version.columns
        if column.name != drawn.target
    ]
    table = _ingested(store, scratch, drawn.scored(), columns=declared, source=_source(drawn))
    task = PredictTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/p",
        result_uri=f"{STORE}/p/result.json",
        data=data_of(table),
        model_version="m-v1",
        artifact_uri=model.artifact_uri,
        artifact_digest=model.artifact_digest,
        keep=["row"],
        output=DatasetSpec.model_validate({"source": {"pushed": {}}}),
        image="i",
        dataset="d",
    )
    rows = _rows(store, predict(task, store).uri)
    ordered = [rows[f"r-{index}"] for index in range(len(drawn.news))]
    answers: dict[str, Any] = {}
    for output in model.signature.outputs:
        if len(output.shape) == 1:
            answers[output.name] = [row[output.name] for row in ordered]
        else:
            names = [f"probability_{class_}" for class_ in model.signature.classes]
            answers[output.name] = [[row[name] for name in names] for row in ordered]
    return answers


def _own(store: MemoryStore, pipeline: Pipeline, model: TrainResult, drawn: Drawn) -> dict[str, np.ndarray]:
    """Returns the pipeline's answers to the values themselves, which no file and no request has written."""
    _, session, _ = package.read(store, model.artifact_uri, model.artifact_digest)
    intake = session.intake
    columns = {}
    for item in intake.inputs:
        values = [row[item.name] for row in drawn.news]
        if item.type == "Timestamp":
            naive = [value and value.replace(tzinfo=None) for value in values]
            columns[item.name] = np.array(["NaT" if value is None else value for value in naive], dtype="M8[us]")
        elif item.datatype == "BYTES":
            columns[item.name] = np.array([value or "" for value in values], dtype=object)
        else:
            kind = np.float64 if item.name in intake.wide else np.float32
            columns[item.name] = np.array(values, dtype=np.float64).astype(kind)
    matrix = agreement.matrix(pipeline, intake.take(pd.DataFrame(columns)))
    answer = pipeline.predict(matrix)
    answers = {"label": answer, "value": answer}
    if hasattr(pipeline, "predict_proba"):
        answers["probabilities"] = pipeline.predict_proba(matrix)
    return {output.name: answers[output.name] for output in model.signature.outputs}


def asked(trained: Trained, rng: random.Random) -> list[dict[str, Any]]:
    """Returns a request for each new row: values are written anew, in ways of their own."""
    columns = {column.name: column for column in trained.drawn.columns}
    requests = []
    for row in trained.drawn.news:
        inputs = []
        for item in trained.result.signature.inputs:
            datatype, value = columns[item.name].asked(rng, row[item.name])
            inputs.append({"name": item.name, "shape": [1], "datatype": datatype, "data": [value]})
        requests.append({"inputs": inputs})
    return requests


def differences(trained: Trained, server: Served, name: str) -> list[str]:
    """Asks the server for the new rows; returns where any two answers differ, and what was not read as written."""
    found = list(trained.differences)
    for index, request in enumerate(asked(trained, random.Random(trained.drawn.seed + 2))):
        status, body = server.infer(request, f"/v2/models/{name}/infer")
        if status != 200:
            found.append(f"row {index}: {status} {body}: {request}")
            continue
        online = {output["name"]: output["data"] for output in body["outputs"]}
        tied = "probabilities" in online and _tied(online["probabilities"])
        for output, answer in online.items():
            others = {"batch": trained.batch[output][index], "pipeline": trained.own[output][index]}
            for way, other in others.items():
                if not _same(answer, other) and not (tied and output == "label" and way == "pipeline"):
                    found.append(f"row {index}, {output}: {answer} online, {other} by the {way}: {request}")
    return found


def _tied(probabilities: list[float]) -> bool:
    first, second = sorted(probabilities)[-2:] if len(probabilities) > 1 else (0.0, 1.0)
    return second - first < TIE


def _same(online: list[Any], other: Any) -> bool:
    others = np.ravel(other).tolist()
    if isinstance(online[0], float):
        return bool(np.allclose(online, others, rtol=CLOSE, atol=1e-5 * max(1.0, *map(abs, others))))
    return [str(item) for item in online] == [str(item) for item in others]
