"""An artifact store in memory, and helpers that run ingest and training tasks on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard_api.fields.trainer import Trainer
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import IngestResult, TrainResult
from modelyard_api.wire.task import Data, IngestTask, Previous, Subject, TrainTask
from modelyard_runtime.commands.ingest import ingest
from modelyard_runtime.commands.train import train
from modelyard_runtime.pod.store import ArtifactStore, Conflict
from modelyard_runtime.pod.web import Web

SUBJECT = Subject(namespace="n", name="s", uid="u")
URL = "http://tracking:5000"
STORE = "mlflow-artifacts:"
RESULTS = ("/r", f"{STORE}/m/result.json")
"""How URIs of results end, which a later pod of the same task may replace."""


class MemoryStore(ArtifactStore):
    """The real artifact store, digests and errors included, with its bytes in a dict, written once each."""

    def __init__(self) -> None:
        super().__init__(Web(URL))
        self.files: dict[str, bytes] = {}

    def get(self, uri: str) -> bytes | None:
        return self.files.get(uri)

    def put(self, uri: str, data: bytes | Path) -> None:
        data = data.read_bytes() if isinstance(data, Path) else data
        if self.files.get(uri, data) != data and not uri.endswith(RESULTS):
            raise Conflict(uri)
        self.files[uri] = data

    def fetch(self, uri: str, path: Path, digest: str | None = None) -> None:
        path.write_bytes(self.read(uri, digest))


def run_ingest(
    folder: Path, file: str, store: MemoryStore | None = None, *, previous: IngestResult | None = None, **spec: Any
) -> IngestResult:
    """Ingests a file; ``previous`` is the latest accepted version before."""
    source = {"volume": {"claimName": "c", "path": file}, "settle": "0s", **spec.pop("source", {})}
    dataset = DatasetSpec.model_validate({"source": source, **spec})
    task = IngestTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/d",
        result_uri=f"{STORE}/r",
        spec=dataset,
        source=file,
        previous=None if previous is None else before(previous),
    )
    result = ingest(task, store or MemoryStore(), folder)
    assert isinstance(result, IngestResult)
    return result


def before(result: IngestResult) -> Previous:
    return Previous(name="d-0", uri=result.uri, digest=result.digest, columns=result.columns, missing=result.missing)


def data_of(result: IngestResult) -> Data:
    return Data(
        name="d-1",
        uri=result.uri,
        digest=result.digest,
        target=result.target,
        columns=result.columns,
        missing=result.missing,
    )


def train_task(data: Data, algorithm: str, params: dict[str, Any] | None = None, **more: Any) -> TrainTask:
    estimator = {"algorithm": algorithm, "params": params or {}, "features": more.pop("features", {})}
    return TrainTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/m",
        result_uri=f"{STORE}/m/result.json",
        data=data,
        trainer=Trainer.model_validate({"estimator": estimator}),
        image="i",
        **more,
    )


def run_train(store: MemoryStore, data: Data, algorithm: str, params: Any = None, **more: Any) -> TrainResult:
    return train(train_task(data, algorithm, params, **more), store)


def lay_down(store: MemoryStore, result: TrainResult, folder: Path) -> Path:
    """Writes a trained model's files into ``folder``, as a serving pod's init container does."""
    folder.mkdir(parents=True, exist_ok=True)
    for uri, data in store.files.items():
        if uri.startswith(f"{result.artifact_uri}/"):
            (folder / uri.rpartition("/")[2]).write_bytes(data)
    return folder
