"""Checks that edits come back into files, from databases as jupyter-collaboration writes them, with real documents."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import nbformat
import pytest
from jupyter_ydoc import YFile, YNotebook
from pycrdt import Doc
from pycrdt.store import SQLiteYStore

from modelyard_workspace.places import Places
from modelyard_workspace.recover import recover, unsaved

# The schema of jupyter-server-fileid in the workspace image; tests/e2e/test_workspace.py has the real one.
FILES = "CREATE TABLE Files(id TEXT PRIMARY KEY NOT NULL, path TEXT NOT NULL UNIQUE)"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "volume", tmp_path / "people", tmp_path / "data")
    places.prepare()
    with closing(sqlite3.connect(places.file_ids)) as database:
        database.execute(FILES)
    return places


class Room:
    """A document that is edited, and whose edits go into the store one by one, as in the server."""

    def __init__(self, places: Places, name: str, type_: str, saved: Any) -> None:
        self.file, id_ = places.home / name, str(uuid.uuid4())
        self.doc: Doc[Any] = Doc()
        self.shared: Any = YNotebook(self.doc) if type_ == "notebook" else YFile(self.doc)
        self._store_class = type("Store", (SQLiteYStore,), {"db_path": str(places.updates)})
        self._key = f".{type_}:{id_}.y"
        self._subscription = self.doc.observe(lambda event: self.store(event.update))
        with closing(sqlite3.connect(places.file_ids)) as ids, ids:
            ids.execute("INSERT INTO Files VALUES (?, ?)", (id_, str(self.file)))
        self.shared.set(saved)
        self.file.write_text(nbformat.writes(nbformat.from_dict(saved)) + "\n" if type_ == "notebook" else saved)
        self.saved()

    def saved(self) -> None:
        """What was edited until now is older than the file."""
        os.utime(self.file, (time.time(), time.time()))

    def store(self, update: bytes) -> None:
        anyio.run(self._write, update)

    async def _write(self, update: bytes) -> None:
        async with self._store_class(self._key) as store:
            await store.write(update)


def notebook(*sources: str) -> dict[str, Any]:
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)]
    return dict(nbformat.v4.new_notebook(cells=cells))


def sources(file: Path) -> list[str]:
    return [cell["source"] for cell in nbformat.read(file, as_version=4)["cells"]]


def test_what_was_typed_after_the_last_save_comes_back(places: Places) -> None:
    room = Room(places, "a.ipynb", "notebook", notebook("x = 1", "y = 2"))
    source = room.shared.ycells[0]["source"]
    for letter in "  # typed by two":
        source += letter
    room.shared.append_cell({"cell_type": "markdown", "source": "été", "metadata": {"trusted": True}, "id": "new"})
    os.utime(room.file, (time.time() - 1,) * 2)
    assert unsaved(places)
    assert recover(places) == [room.file]
    assert not unsaved(places)
    assert sources(room.file) == ["x = 1  # typed by two", "y = 2", "été"]
    nbformat.validate(json.loads(room.file.read_text()))
    assert "trusted" not in room.file.read_text(), "that is for the browser that trusts it"
    assert recover(places) == [], "the file is newer than its edits now"


def test_a_saved_file_and_one_that_is_newer_stay_as_they_are(places: Places) -> None:
    room = Room(places, "a.py", "file", "x = 1\n")
    assert recover(places) == []
    room.file.write_text("from git\n")
    assert recover(places) == []
    assert room.file.read_text() == "from git\n"


@pytest.mark.parametrize("torn", ["", '{"cells": [{"cell_type"'])
def test_a_notebook_that_was_left_half_written_is_whole_again(places: Places, torn: str) -> None:
    room = Room(places, "a.ipynb", "notebook", notebook("x = 1"))
    room.file.write_text(torn)
    assert recover(places) == [room.file]
    assert sources(room.file) == ["x = 1"]


def test_a_text_that_was_left_half_written_is_whole_again(places: Places) -> None:
    room = Room(places, "a.py", "file", "x = 1\n")
    backup = room.file.with_name(".~a.py")
    backup.write_text("x = 0\n")
    room.file.write_text("x")
    assert recover(places) == [room.file]
    assert (room.file.read_text(), backup.exists()) == ("x = 1\n", False)


def test_it_can_die_at_any_moment(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(places, "a.py", "file", "x = 1\n")
    room.shared.set("x = 2\n")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            recover(places)
    assert room.file.read_text() == "x = 1\n", "never a half"
    assert recover(places) == [room.file]
    assert room.file.read_text() == "x = 2\n"


def test_what_was_deleted_or_moved_does_not_come_back(places: Places) -> None:
    moved, deleted = Room(places, "moved.py", "file", "1"), Room(places, "deleted.py", "file", "1")
    for room in (moved, deleted):
        room.shared.set("2")
        room.file.unlink()
    with closing(sqlite3.connect(places.file_ids)) as ids, ids:
        ids.execute("DELETE FROM Files WHERE path = ?", (str(deleted.file),))
    assert recover(places) == []
    assert not moved.file.exists()
    assert not deleted.file.exists()


def test_one_that_can_not_be_recovered_keeps_no_other_from_it(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, good = Room(places, "a.py", "file", "1"), Room(places, "b.py", "file", "1")
    broken.store(b"no update")
    good.shared.set("2")
    assert recover(places) == [good.file]
    assert broken.file.read_text() == "1"
    assert f"{broken.file} can't be recovered" in capsys.readouterr().err


def test_a_new_volume_has_nothing_to_recover(tmp_path: Path, places: Places) -> None:
    assert recover(Places(tmp_path / "new", tmp_path, tmp_path)) == []
    assert not unsaved(Places(tmp_path / "new", tmp_path, tmp_path))
    assert not places.updates.exists(), "the server makes it"
    places.updates.touch()
    assert not unsaved(places)
    assert recover(places) == [], "the server was ended before it had made the table"


def test_what_can_not_be_read_may_be_unsaved(places: Places) -> None:
    places.updates.write_bytes(b"no database" * 100)
    assert unsaved(places)


def test_nobody_waits_for_libraries_that_nothing_needs(places: Places) -> None:
    room = Room(places, "a.py", "file", "x = 1\n")
    os.utime(room.file, (room.file.stat().st_mtime - 0.2,) * 2)  # the server marks it as saved after it has saved it
    assert not unsaved(places)
    assert recover(places) == []
    program = (
        "import sys; from modelyard_workspace.__main__ import main; "
        f"main(['recover', '--volume', {str(places.volume)!r}]); "
        "print(sorted({'nbformat', 'jupyter_ydoc', 'pycrdt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
