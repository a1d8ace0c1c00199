"""The contenders: ``python -m tests.harness.bench.ingest.contenders NAME FILE OUT URL``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def ours(file: Path, out: Path, url: str) -> None:
    """Types, rules, digest, description, sketches, split, Parquet and report; the store is a folder, and its progress
    is told to the tracking server at ``url``."""
    from modelyard_api.kinds.dataset import DatasetSpec
    from modelyard_api.wire.task import IngestTask, Subject
    from modelyard_runtime.commands.ingest import ingest
    from modelyard_runtime.pod.store import ArtifactStore
    from modelyard_runtime.pod.web import Web

    class Folder(ArtifactStore):
        def get(self, uri: str) -> bytes | None:
            path = out / uri.rpartition("/")[2]
            return path.read_bytes() if path.exists() else None

        def put(self, uri: str, data: bytes | Path) -> None:
            path = out / uri.rpartition("/")[2]
            if isinstance(data, Path):
                os.link(data, path)
            else:
                path.write_bytes(data)

    columns = [{"name": "price", "type": "Float", "min": 0}, {"name": "discount", "type": "Float", "maxMissing": 0.2}]
    source = {"volume": {"claimName": "c", "path": file.name}, "settle": "0s"}
    spec = DatasetSpec.model_validate({"source": source, "target": "returned", "columns": columns})
    os.environ["TMPDIR"] = str(out)
    task = IngestTask(
        subject=Subject(namespace="n", name="bench", uid="u"),
        tracking_url=url,
        base_uri="mlflow-artifacts:/d",
        result_uri="mlflow-artifacts:/r/result.json",
        spec=spec,
        source=file.name,
    )
    result = ingest(task, Folder(Web(url)), file.parent)
    print(result.wire() if result.kind != "Ingest" else f"{result.rows} rows, accepted: {result.accepted}", flush=True)


def pyarrow(file: Path, out: Path, _: str) -> None:
    """Reads the file and writes it as Parquet, and no more."""
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    read = csv.read_csv if file.suffix == ".csv" else pq.read_table
    pq.write_table(read(file), out / "table.parquet", compression="zstd")


def pandas(file: Path, out: Path, _: str) -> None:
    """Types, rules, a digest, a description with quantiles and frequent values, a split by content, and Parquet."""
    import hashlib

    import numpy as np
    import pandas as pd

    frame = pd.read_csv(file, parse_dates=["at"]) if file.suffix == ".csv" else pd.read_parquet(file)
    frame = frame.dropna(subset=["returned"])
    assert frame["price"].min() >= 0
    assert frame["discount"].isna().mean() < 0.2
    assert len(frame) > 0
    assert np.isfinite(frame["weight"].dropna()).all()
    described = {}
    for name in frame.columns:
        column = frame[name]
        described[name] = [column.isna().sum(), column.nunique()]
        if pd.api.types.is_numeric_dtype(column):
            described[name] += [column.min(), column.max(), column.astype(float).quantile(np.linspace(0, 1, 201))]
        else:
            described[name] += [column.value_counts().head(384)]
    rows = pd.util.hash_pandas_object(frame, index=False)
    digest = hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
    test = rows < int(0.2 * 2**64)
    frame[~test].to_parquet(out / "train.parquet", compression="zstd")
    frame[test].to_parquet(out / "test.parquet", compression="zstd")
    print(f"{len(frame)} rows, {digest[:10]}", flush=True)


if __name__ == "__main__":
    {"ours": ours, "pyarrow": pyarrow, "pandas": pandas}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
