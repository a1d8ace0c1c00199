"""Looks at a source as an ingest pod does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import IngestTask
from modelyard_runtime.commands.ingest import ingest
from tests.unit.runtime.memory import STORE, SUBJECT, URL, MemoryStore

CSV = "a,y\n" + "".join(f"{i},{'yes' if i % 3 else 'no'}\n" for i in range(30))


class Looks:
    """One Dataset, looked at again and again; ``keys`` are those of its Secret."""

    def __init__(self, folder: Path, keys: Mapping[str, str] | None = None, **given: Any) -> None:
        self.store, self._given = MemoryStore(), given
        self.secret = folder / "secret"
        self.secret.mkdir(exist_ok=True)
        self.put_keys(keys or {})
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.more: dict[str, Any] = {}

    def put_keys(self, keys: Mapping[str, str]) -> None:
        for path in self.secret.iterdir():
            path.unlink()
        for key, value in keys.items():
            (self.secret / key).write_text(value)

    def look(self, seen: IngestResult | None = None, **more: Any) -> IngestResult | LookResult:
        task = IngestTask(
            subject=SUBJECT,
            tracking_url=URL,
            base_uri=f"{STORE}/d",
            result_uri=f"{STORE}/r",
            spec=DatasetSpec.model_validate({"source": self._given, "target": "y"}),
            source=(self._given.get("volume") or {}).get("path", ""),
            seen=seen.listing.digest if seen and seen.listing else None,
            **self.more,
            **more,
        )
        return ingest(task, self.store, self.root, self.secret)

    def read(self, seen: IngestResult | None = None, **more: Any) -> IngestResult:
        result = self.look(seen, **more)
        assert isinstance(result, IngestResult), result
        return result
