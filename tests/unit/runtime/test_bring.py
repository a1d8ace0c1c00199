"""Checks the data of a Workspace: whole, checked, and the same bytes as those of its version."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_api.wire.task import BringTask, Subject, Table
from modelyard_runtime.commands.bring import bring
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.versions import groups
from tests.unit.runtime.memory import MemoryStore, run_ingest

CSV = "x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40))


def task(*tables: Table) -> BringTask:
    subject = Subject(namespace="team", name="lab", uid="u")
    return BringTask(subject=subject, tracking_url="http://x", base_uri="b", result_uri="r", tables=list(tables))


def ingested(folder: Path, store: MemoryStore) -> Table:
    (folder / "t.csv").write_text(CSV)
    result = run_ingest(folder, "t.csv", store, target="y")
    return Table(dataset="table", version="table-1", uri=result.uri, files=result.files)


def test_the_files_are_those_of_the_version(tmp_path: Path) -> None:
    store = MemoryStore()
    table = ingested(tmp_path, store)
    bring(task(table), store, tmp_path / "data")
    folder = tmp_path / "data/table/table-1"
    assert {file.name for file in folder.iterdir()} == {"train.parquet", "test.parquet"}
    for file in table.files:
        assert sha256((folder / file.name).read_bytes()) == file.digest
    store.files.clear()
    bring(task(table), store, tmp_path / "data")


def test_other_bytes_are_refused_and_leave_nothing_behind(tmp_path: Path) -> None:
    store = MemoryStore()
    table = ingested(tmp_path, store)
    store.files[f"{table.uri}/test.parquet"] += b"!"
    with pytest.raises(UserError, match="has digest sha256:") as error:
        bring(task(table), store, tmp_path / "data")
    assert error.value.reason == "DigestMismatch"
    assert not (tmp_path / "data/table/table-1").exists()
    del store.files[f"{table.uri}/test.parquet"]
    with pytest.raises(UserError) as error:
        bring(task(table), store, tmp_path / "data")
    assert error.value.reason == "ArtifactMissing"


def test_a_version_from_before_digests_were_kept_is_brought_unchecked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    table = ingested(tmp_path, store).model_copy(update={"files": []})
    bring(task(table), store, tmp_path / "data")
    assert len(list((tmp_path / "data/table/table-1").iterdir())) == 2
    out = capsys.readouterr()
    assert "too old to have digests" in out.out + out.err


def test_the_same_rows_read_again_by_other_libraries_leave_the_files_of_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    first = ingested(tmp_path, store)
    before = dict(store.files)
    with monkeypatch.context() as patch:
        patch.setattr(groups, "COMPRESSION", "none")
        assert ingested(tmp_path, store).files == first.files
        assert {name: store.files[name] for name in before if name.endswith("parquet")}.items() <= before.items()
        store.files[f"{first.uri}/train.parquet"] = b"damaged"
        with pytest.raises(UserError, match=r"train\.parquet holds other bytes, which nobody may overwrite"):
            ingested(tmp_path, store)


def test_the_same_rows_that_a_pod_left_before_its_end_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    first = ingested(tmp_path, store)
    for uri in [uri for uri in store.files if uri.endswith("result.json")]:
        del store.files[uri]
    monkeypatch.setattr(groups, "COMPRESSION", "none")
    assert ingested(tmp_path, store).files == first.files
