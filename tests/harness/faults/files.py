"""Plays the look at a source of several files that are appended, with the runtime's own lists of them: what it takes
follows from what the operator says of the version before."""

from __future__ import annotations

import json
from pathlib import Path

from modelyard_api.fields.artifact import sha256
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import IngestTask
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import Web
from modelyard_runtime.tables.sources.listing import File, digest, keep, recall, told
from tests.kinds import dataset
from tests.support.tracking import Tracking

HEADER, TABLE = "x,y,label\n", "table.csv"
UNCHANGED = "the source has no new files"


def text_of(files: dict[str, str]) -> str:
    """Returns what stands for a source with these files: name -> rows."""
    return json.dumps(files)


def is_of(text: str) -> bool:
    return text.startswith("{")


def look(task: IngestTask, text: str, tracking: Tracking) -> IngestResult | LookResult:
    """Returns the result of a pod with this task. The version's rows are those of its parent, and then the new ones."""
    from modelyard_runtime.tables.sources.append import (
        arrived,
    )  # pyarrow starts threads: not before a network is entered

    files: dict[str, str] = json.loads(text)
    listed = [File(name, len(rows), sha256(rows.encode())) for name, rows in sorted(files.items())]
    if task.seen == digest(listed):
        return LookResult(reason="Unchanged", message=UNCHANGED)
    store, parent = _Store(tracking), task.previous
    taken = recall(store, task.base_uri, parent.made_of) if parent and parent.made_of else None
    found = arrived(listed, taken or [], [])
    if not found.new and not task.remake:
        return LookResult(reason="Unchanged", message=UNCHANGED, listing=told(listed))
    before = HEADER if parent is None or taken is None else store.read(f"{parent.uri}/{TABLE}").decode()
    table = before + "".join(files[file.name] for file in found.new)
    result = dataset.ingest(task, table)
    keep(store, task.base_uri, found.made_of)
    store.put(f"{result.uri}/{TABLE}", table.encode())
    return result.model_copy(update={"listing": told(listed), "made_of": told(found.made_of)})


class _Store(ArtifactStore):
    """The artifact store, by the folder of its server."""

    def __init__(self, tracking: Tracking) -> None:
        super().__init__(Web(tracking.url))
        self._tracking = tracking

    def get(self, uri: str) -> bytes | None:
        return self._tracking.get_bytes(uri)

    def put(self, uri: str, data: bytes | Path) -> None:
        self._tracking.put_bytes(uri, data if isinstance(data, bytes) else data.read_bytes())
