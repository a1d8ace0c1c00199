"""Keeps a file of a version in the store, where no file is ever overwritten."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_api.fields.artifact import RESULT_JSON, digest_of
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore, Conflict
from modelyard_runtime.tables.versions.digest import TableDigest


def keep(store: ArtifactStore, uri: str, path: Path) -> str:
    """Writes a Parquet file to the store, and returns the digest of what is there.

    Another release of the libraries writes the same rows as other bytes: the file that an earlier pod left stays.
    Raises Conflict if other rows are there, and Unavailable.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (digest := _whole(store, uri, folder)) is not None:
            return digest
        try:
            store.put(uri, path)
        except Conflict:
            earlier = folder / path.name
            store.fetch(uri, earlier)
            if not _same_rows(earlier, path):
                raise
            say(f"{uri} was written before with the same rows, and stays as it is")
            return digest_of(earlier)
    return digest_of(path)


def _whole(store: ArtifactStore, uri: str, folder: Path) -> str | None:
    """Returns the digest of the file if it is part of a whole version, and as it was written: not every store refuses
    to overwrite it."""
    at, _, name = uri.rpartition("/")
    for file in (store.get_json(f"{at}/{RESULT_JSON}") or {}).get("files", ()):
        if file["name"] == name:
            try:
                store.fetch(uri, folder / name, file["digest"])
            except UserError:
                return None
            return str(file["digest"])
    return None


def _same_rows(left: Path, right: Path) -> bool:
    """Compares two Parquet files by the content of their columns, a few rows of each at a time."""
    try:
        return _content(left) == _content(right)
    except pa.ArrowException:
        return False  # what lies there is no Parquet file, or a damaged one


def _content(path: Path) -> str:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        digest = TableDigest(schema)
        for rows in file.iter_batches():
            digest.update(rows)
    return digest.end({item.name: str(item.type) for item in schema})
