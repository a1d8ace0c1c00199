"""What a source lists: its files, by which a later look sees what has changed without reading it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import NamedTuple

from modelyard_api.fields.artifact import canonical, listing_uri, sha256
from modelyard_api.fields.listing import Listing
from modelyard_runtime.pod.store import ArtifactStore


class File(NamedTuple):
    """A file as its place lists it. Two that are equal are taken to have the same bytes, if ``state`` says anything."""

    name: str
    """Relative to the folder of the source: its order, and its name in messages."""
    size: int | None
    state: str
    """Its ETag, or when it was changed; "" if the place says neither."""
    changed: float | None = None
    """When it was changed, in seconds since 1970; None if that isn't known."""


def digest(files: Iterable[File]) -> str:
    return sha256(canonical([[file.name, file.size, file.state] for file in files]))


def told(files: list[File]) -> Listing:
    """Returns what status keeps of a listing."""
    return Listing(digest=digest(files), files=len(files), bytes=sum(file.size or 0 for file in files))


def is_telling(files: Iterable[File]) -> bool:
    """Whether a change of any file would be seen in the listing."""
    return all(file.state for file in files)


def keep(store: ArtifactStore, base_uri: str, files: list[File]) -> None:
    """Keeps the listing under its digest, for a later look that appends. Raises Unavailable."""
    document = [[file.name, file.size, file.state] for file in files]
    store.put_first(listing_uri(base_uri, digest(files)), gzip.compress(canonical(document), mtime=0))


def recall(store: ArtifactStore, base_uri: str, digest: str) -> list[File] | None:
    """Returns a listing that was kept, or None if it isn't there any more. Raises Unavailable."""
    data = store.get(listing_uri(base_uri, digest))
    return None if data is None else [File(*item) for item in json.loads(gzip.decompress(data))]
