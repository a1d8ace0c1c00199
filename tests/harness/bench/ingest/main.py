"""Ingest of a large table: MB/s and memory, beside pyarrow alone and a plain script of pandas that does the same work.

A table of ten columns is written as CSV and as Parquet. Each contender runs in a process of its own, one after the
other: our ingest within ``--limit`` MiB (a memory cgroup where this machine lets us, which counts files in the cache
too; the largest resident size is told in any case), the others without a limit. A real tracking server runs beside all,
since our ingest tells it how far it is.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.harness.bench.ingest import measure, table
from tests.support.report import show
from tests.support.tracking import Tracking

CONTENDERS = {"ours": True, "pyarrow": False, "pandas": False}
"""Contender -> whether its memory is limited."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mb", type=int, default=2000, help="size of the CSV [%(default)s]")
    parser.add_argument("--limit", type=int, default=512, help="MiB of memory that ours may take [%(default)s]")
    parser.add_argument("--only", choices=sorted(CONTENDERS), help="one contender [all]")
    parser.add_argument("--format", choices=["csv", "parquet"], help="one format [both]")
    parser.add_argument("--folder", type=Path, help="where the table lies; it is kept there [a temporary one]")


def run(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        files = table.write(folder, options.mb * 10**6)
        figures = {}
        names = [options.only] if options.only else list(CONTENDERS)
        with Tracking(Path(temporary) / "tracking") as tracking:
            for format_ in [options.format] if options.format else ["csv", "parquet"]:
                for name in names:
                    limit = options.limit if CONTENDERS[name] else None
                    with tempfile.TemporaryDirectory(prefix="bench-out-") as out:
                        taken = measure.run(name, files[format_], Path(out), tracking.url, limit)
                    taken["mb_per_second"] = round(files["csv"].stat().st_size / 1e6 / taken["seconds"], 1)
                    figures[f"{name}_{format_}"] = taken
                    show({f"{name}, {format_}": taken})
    return {"benchmark": "ingest", "csv_mb": options.mb, "limit_mib": options.limit, **figures}
