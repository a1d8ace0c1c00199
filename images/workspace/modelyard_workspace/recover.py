"""Writes into files what was edited, but not saved when a server ended.

The server saves a document one second after the last edit, so as long as people type, nothing is saved. All edits are
in its database, but a new server believes the file, and browsers that are still open then lose what they show. So
before each start, and after each end, the files of documents with newer edits are made from the database.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from modelyard_workspace.places import Places
from modelyard_workspace.say import say

MARK_SECONDS = 0.5
"""The server marks a document as saved within this time after a save, and the mark counts as an edit."""
_KEY = re.compile(r"\.(?P<type>[^:]+):(?P<id>[^:]+)\.y")
"""The name of a document in the database of edits."""


@dataclass(frozen=True)
class Document:
    """A document of the database; ``newest`` is when it was edited last, in seconds."""

    key: str
    type: str
    file: Path
    newest: float


def recover(places: Places) -> list[Path]:
    """Makes the files anew that are older than their documents, or were left half written, and returns them."""
    if not _has_edits(places):
        return []
    written = []
    with closing(sqlite3.connect(places.updates)) as updates:
        for document in _documents(updates, places.file_ids):
            try:
                if _is_stale(document) and _write(document, _content(document, updates)):
                    say(f"recovered {document.file}")
                    written.append(document.file)
            except Exception as error:  # One document that can't be recovered must not keep people from the others.
                say(f"{document.file} can't be recovered from {places.updates}: {type(error).__name__}: {error}")
    return written


def unsaved(places: Places) -> bool:
    """Returns whether the server may still have to save a document. What it doesn't save, ``recover`` does."""
    try:
        if not _has_edits(places):
            return False
        with closing(sqlite3.connect(places.updates)) as updates:
            return any(_is_stale(document, MARK_SECONDS) for document in _documents(updates, places.file_ids))
    except (sqlite3.Error, OSError):
        return True


def _has_edits(places: Places) -> bool:
    return places.updates.exists() and places.file_ids.exists()


def _documents(updates: sqlite3.Connection, file_ids: Path) -> Iterator[Document]:
    with closing(sqlite3.connect(file_ids)) as ids:
        paths = dict(ids.execute("SELECT id, path FROM Files"))
    try:
        keys = updates.execute("SELECT path, MAX(timestamp) FROM yupdates GROUP BY path").fetchall()
    except sqlite3.OperationalError:  # The server was ended before it had made the table.
        return
    for key, newest in keys:
        match = _KEY.fullmatch(key)
        # A document without a path was deleted. A file that isn't there was moved or deleted outside of the server.
        if match and (path := paths.get(match["id"])) and Path(path).is_file():
            yield Document(key, match["type"], Path(path), newest)


def _is_stale(document: Document, slack: float = 0) -> bool:
    if document.newest > document.file.stat().st_mtime + slack or _backup(document.file).exists():
        return True
    if document.type != "notebook":
        return False
    try:
        json.loads(document.file.read_bytes())
    except ValueError:
        return True
    return False


def _backup(file: Path) -> Path:
    """Returns the copy that the server makes before it writes a file, and removes afterwards."""
    return file.with_name(f".~{file.name}")


def _content(document: Document, updates: sqlite3.Connection) -> bytes:
    """Returns the bytes of the file that the document is."""
    # People wait for each start, which mostly finds nothing to recover, and these take a second or two to import.
    import nbformat
    from jupyter_ydoc import ydocs
    from pycrdt import Doc

    doc: Doc[object] = Doc()
    shared = ydocs.get(document.type, ydocs["file"])(doc)
    order = "SELECT yupdate FROM yupdates WHERE path = ? ORDER BY timestamp, rowid"
    for (update,) in updates.execute(order, (document.key,)):
        doc.apply_update(update)
    content = shared.get()
    if document.type == "notebook":
        # This writes it as the server does, without what the browser only remembers.
        content = nbformat.writes(nbformat.from_dict(content), version=content["nbformat"]) + "\n"
    return content if isinstance(content, bytes) else str(content).encode()


def _write(document: Document, content: bytes) -> bool:
    """Replaces the file at once, so that it is never half written, and returns whether it was another one."""
    is_other = document.file.read_bytes() != content
    if is_other:
        part = document.file.with_name(f".{document.file.name}.recovered")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(document.file.stat().st_mode)
        part.replace(document.file)
    elif document.newest > document.file.stat().st_mtime:
        # The next start need not compare them again.
        os.utime(document.file, (document.newest, document.newest))
    _backup(document.file).unlink(missing_ok=True)
    return is_other
