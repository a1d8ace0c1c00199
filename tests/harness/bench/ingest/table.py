"""A table as shops have them, written piece by piece: numbers, instants, codes, names in quotes, and missing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.support.report import Progress

PIECE = 250_000
_PRODUCTS = [f"product {number}, size {'SML'[number % 3]}" for number in range(2000)]
_COUNTRIES = [f"{first}{second}" for first in "ABCDE" for second in "KLMNOPQRST"]
SCHEMA = pa.schema([
    ("order", pa.int64()), ("at", pa.timestamp("s", "UTC")), ("price", pa.float64()), ("quantity", pa.int64()),
    ("discount", pa.float64()), ("weight", pa.float64()), ("express", pa.bool_()), ("country", pa.string()),
    ("product", pa.string()), ("returned", pa.string()),
])  # fmt: skip


def write(folder: Path, size: int) -> dict[str, Path]:
    """Writes the table as CSV of about ``size`` bytes, and as Parquet, unless both are there. Returns the paths."""
    files = {"csv": folder / f"orders-{size}.csv", "parquet": folder / f"orders-{size}.parquet"}
    if all(path.exists() for path in files.values()):
        return files
    rng, rows, progress = np.random.default_rng(1), 0, Progress("MB of CSV", size // 10**6)
    with (
        files["csv"].open("wb") as csv,
        pa.csv.CSVWriter(csv, SCHEMA) as out,
        pq.ParquetWriter(files["parquet"], SCHEMA, compression="zstd") as parquet,
    ):
        while csv.tell() < size:
            piece = _piece(rng, rows)
            out.write_batch(piece)
            parquet.write_batch(piece)
            rows += PIECE
            progress.at(csv.tell() // 10**6)
    progress.end()
    return files


def _piece(rng: np.random.Generator, start: int) -> pa.RecordBatch:
    numbers = np.arange(start, start + PIECE)
    price = np.round(rng.lognormal(3, 1, PIECE), 2)
    columns = [
        pa.array(10_000_000 + numbers * 7),
        pa.array((1_700_000_000 + numbers).astype("datetime64[s]")).cast(SCHEMA.field("at").type),
        pa.array(price),
        pa.array(rng.poisson(2, PIECE) + 1),
        pa.array(np.round(rng.random(PIECE), 3), mask=rng.random(PIECE) < 0.1),
        pa.array(rng.normal(500, 100, PIECE), mask=rng.random(PIECE) < 0.02),
        pa.array(rng.random(PIECE) < 0.3),
        pa.array(np.array(_COUNTRIES)[np.minimum(rng.geometric(0.1, PIECE), 50) - 1]),
        pa.array(np.array(_PRODUCTS)[rng.integers(0, 2000, PIECE)]),
        pa.array(np.array(["no", "yes", "partly"])[rng.choice(3, PIECE, p=[0.8, 0.15, 0.05])]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
