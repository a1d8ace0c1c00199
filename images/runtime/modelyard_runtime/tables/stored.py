"""Keeps a file of a version in the store, where no file is ever overwritten."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from modelyard_api.fields.artifact import RESULT_JSON, digest_of, sha256
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore, Conflict
from modelyard_runtime.tables.files import FileTable


def keep(store: ArtifactStore, uri: str, path: Path) -> str:
    """Writes a Parquet file to the store, and returns the digest of what is there.

    Another release of the libraries writes the same rows as other bytes: the file that an earlier pod left stays.
    Raises Conflict if other rows are there, and Unavailable.
    """
    if (digest := _whole(store, uri)) is not None:
        return digest
    try:
        store.put(uri, path)
    except Conflict:
        with tempfile.TemporaryDirectory() as folder:
            earlier = Path(folder) / path.name
            store.fetch(uri, earlier)
            if not _same_rows(earlier, path):
                raise
            say(f"{uri} was written before with the same rows, and stays as it is")
            return digest_of(earlier)
    return digest_of(path)


def _whole(store: ArtifactStore, uri: str) -> str | None:
    """Returns the digest of the file if it is part of a whole version, and as it was written: not every store refuses
    to overwrite it."""
    folder, _, name = uri.rpartition("/")
    for file in (store.get_json(f"{folder}/{RESULT_JSON}") or {}).get("files", ()):
        if file["name"] == name and sha256(store.get(uri) or b"") == file["digest"]:
            return str(file["digest"])
    return None


def _same_rows(left: Path, right: Path) -> bool:
    """Compares two Parquet files column by column, so that only one of each is in memory."""
    try:
        one, other = FileTable(left), FileTable(right)
        if one.column_names != other.column_names:
            return False
        return all(one[name].equals(other[name]) for name in one.column_names)
    except pa.ArrowException:
        return False  # what lies there is no Parquet file, or a damaged one
