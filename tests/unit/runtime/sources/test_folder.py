"""Checks what is read of a folder on a volume, and that what is not is told."""

from __future__ import annotations

from pathlib import Path

from tests.unit.runtime.sources.looks import CSV, Looks


def test_what_is_no_part_of_the_table_is_told(tmp_path: Path) -> None:
    looks = Looks(tmp_path, volume={"claimName": "lake", "path": "in"}, settle="0s")
    for name in ("a.csv", "b.csv", "notes.txt", ".hidden.csv", "_SUCCESS", "deep/c.csv"):
        path = looks.root / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CSV)
    result = looks.read()
    (doubt,) = [doubt for doubt in result.doubts if doubt.reason == "FilesLeftOut"]
    assert (result.rows, doubt.count, doubt.file) == (60, 2, "deep")
    assert doubt.message.startswith("'deep', 'notes.txt': each is in the folder but no part of the table")
