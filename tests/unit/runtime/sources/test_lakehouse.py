"""Checks tables of Delta Lake and Iceberg in an object store, at a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from modelyard_api.wire.result import LookResult
from modelyard_runtime.pod.errors import UserError
from tests.support.bucket_server import Buckets
from tests.unit.runtime.sources.looks import Looks

ROWS = pa.table({"a": list(range(20)), "y": ["no", "yes"] * 10, "part of": ["a b"] * 10 + ["c"] * 10})


def upload(lake: Buckets, folder: Path, to: str) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            lake.put(f"{to}/{path.relative_to(folder)}", path.read_bytes())


def delta(folder: Path) -> Path:
    """Writes a table with three versions: of 20, 25 and 20 rows."""
    deltalake.write_deltalake(str(folder), ROWS, partition_by=["part of"])
    deltalake.write_deltalake(str(folder), ROWS.slice(0, 5), mode="append")
    deltalake.write_deltalake(str(folder), ROWS, mode="overwrite")
    return folder


def iceberg(folder: Path) -> Table:
    """Writes a table with two snapshots: of 20 and of 25 rows."""
    folder.mkdir()
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=ROWS.schema)
    table.append(ROWS)
    table.append(ROWS.slice(0, 5))
    return table


def looks(folder: Path, lake: Buckets, uri: str, format_: str, **more: Any) -> Looks:
    return Looks(folder, lake.keys, uri=uri, format=format_, **more)


def test_a_delta_table_is_read_at_a_version(tmp_path: Path, lake: Buckets) -> None:
    upload(lake, delta(tmp_path / "d"), "lake/delta")
    for version, rows in ((None, 20), (0, 20), (1, 25)):
        more = {} if version is None else {"version": version}
        assert looks(tmp_path, lake, "s3://lake/delta", "Delta", **more).read().rows == rows
    with pytest.raises(UserError, match=r"no version 9; it has 0, 1, 2") as caught:
        looks(tmp_path, lake, "s3://lake/delta/", "Delta", version=9).look()
    assert caught.value.field == "spec.source.version"


def test_an_unchanged_log_is_listed_and_nothing_is_fetched(tmp_path: Path, lake: Buckets) -> None:
    table = delta(tmp_path / "d")
    upload(lake, table, "lake/watched")
    watch = looks(tmp_path, lake, "s3://lake/watched", "Delta")
    first = watch.read()
    assert isinstance(watch.look(first), LookResult)
    deltalake.write_deltalake(str(table), ROWS.slice(0, 7), mode="append")
    upload(lake, table, "lake/watched")
    assert watch.read(first).rows == 27


def test_an_iceberg_table_is_read_at_a_snapshot(tmp_path: Path, lake: Buckets) -> None:
    """Its metadata name the place where it was written; what is below is found where the table lies."""
    table = iceberg(tmp_path / "w")
    upload(lake, Path(table.location().removeprefix("file://")), "lake/ice")
    first = table.metadata.snapshots[0].snapshot_id
    assert looks(tmp_path, lake, "s3://lake/ice", "Iceberg").read().rows == 25
    assert looks(tmp_path, lake, "s3://lake/ice", "Iceberg", version=first).read().rows == 20
    with pytest.raises(UserError, match=str(first)):
        looks(tmp_path, lake, "s3://lake/ice", "Iceberg", version=5).look()


def test_a_table_that_names_a_file_elsewhere_is_refused(tmp_path: Path, lake: Buckets) -> None:
    table = iceberg(tmp_path / "w")
    folder = Path(table.location().removeprefix("file://"))
    upload(lake, folder, "lake/moved")
    for path in folder.glob("metadata/*.metadata.json"):
        text = path.read_text().replace(f'"location":"{table.location()}"', '"location":"file:///somewhere/else"')
        lake.put(f"lake/moved/metadata/{path.name}", text)
    with pytest.raises(UserError) as caught:
        looks(tmp_path, lake, "s3://lake/moved", "Iceberg").look()
    assert caught.value.reason == "SourceOutside"


@pytest.mark.parametrize("format_", ["Delta", "Iceberg"])
def test_what_is_no_table_is_told(tmp_path: Path, lake: Buckets, format_: str) -> None:
    lake.put("lake/plain/a.csv", "a\n1\n")
    lake.put("lake/broken/_delta_log/00000000000000000000.json", "{")
    lake.put("lake/broken/metadata/v1.metadata.json", "{")
    with pytest.raises(UserError, match="no table of") as caught:
        looks(tmp_path, lake, "s3://lake/plain", format_).look()
    assert caught.value.reason == "SourceNotFound"
    with pytest.raises(UserError) as caught:
        looks(tmp_path, lake, "s3://lake/broken", format_).look()
    assert caught.value.reason == "UnreadableFile"
