"""Checks the report that an ingest pod writes: what was guessed or broke a rule, and what was before."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import IngestResult
from modelyard_api.wire.task import IngestTask, Previous
from modelyard_runtime.commands.ingest import ingest
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore
from tests.unit.runtime.report.test_page import Read

RANDOM = np.random.default_rng(11)


def look(folder: Path, store: MemoryStore, text: str, before: IngestResult | None = None) -> tuple[IngestResult, str]:
    """Returns the result of an ingest of the text, and what its report says."""
    (folder / "t.csv").write_text(text)
    spec = {"source": {"volume": {"claimName": "c", "path": "t.csv"}, "settle": "0s"}, "target": "y"}
    was = None
    if before:
        name = f"s-{before.version_id[:10]}"
        was = Previous(name=name, uri=before.uri, digest=before.digest, columns=before.columns, missing=before.missing)
    task = IngestTask(
        subject=SUBJECT,
        tracking_url=URL,
        base_uri=f"{STORE}/d",
        result_uri=f"{STORE}/r",
        spec=DatasetSpec.model_validate(spec),
        source="t.csv",
        previous=was,
    )
    result = ingest(task, store, folder)
    assert isinstance(result, IngestResult)
    assert result.report, result.report_problem
    return result, Read(store.files[f"{result.uri}/report.html"]).text


def readings(mean: float, rows: int = 800, header: str = "at,size,y", more: str = "") -> str:
    lines = [
        f"2026-0{1 + i % 6}-{1 + i % 28:02} 14:30,{RANDOM.normal(mean):.2f},{'no' if i % 3 else 'yes'}{more}"
        for i in range(rows)
    ]
    return "\n".join([header, *lines]) + "\n"


def test_it_compares_with_the_version_before(tmp_path: Path) -> None:
    store = MemoryStore()
    first, alone = look(tmp_path, store, readings(10))
    assert "Compared withnothing" in alone
    _, text = look(tmp_path, store, readings(12, header="at,size,y,place", more=",north"), first)
    assert f"Compared withs-{first.version_id[:10]}, 800 rows" in text
    assert "Change place: Added: " in text
    assert "Noticed shifted: size (" in text
    assert f"There is nothing to compare it with in s-{first.version_id[:10]}." in text


def test_it_draws_times_and_names_the_rows_of_bad_values(tmp_path: Path) -> None:
    text = readings(10).replace("14:30,", "14:30,Bad Input ", 1)
    result, said = look(tmp_path, MemoryStore(), text)
    assert not result.accepted
    assert "Rejected: " in said
    assert "Broken rule size: " in said
    assert "(row 2 of t.csv)" in said
    assert "2026-01-01 14:30 – 2026-06-28 14:30" in said
