"""Builds a catalogue and the artifact store that it points into, as the operator and training runs do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedModel, PackedVersion, catalogue_digest
from tests.unit.server.models import StoredModel, write_manifest
from tests.unit.server.serving import Served
from tests.unit.server.test_fetch import URI, Store


class Packing:
    """``scratch``/store is the artifact store, served over HTTP; the server watches ``scratch``/catalogue.json."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.folder = scratch, scratch / "store"
        self.folder.mkdir()
        self.store = Store(self.folder)
        self.file, self.repository = scratch / "catalogue.json", scratch / "models"
        self.repository.mkdir()
        self.socket = scratch / "socket"

    def put(self, model: StoredModel, name: str, number: int, digest: str = "") -> PackedVersion:
        """Puts a model into the store, with other bytes for each version; returns its entry for the catalogue."""
        target = self.folder / name / str(number)
        shutil.copytree(model.folder, target)
        actual = write_manifest(target, model.manifest | {"categories": {"made": [f"{name} {number}"]}})
        return PackedVersion(number=number, uri=f"{URI}/{name}/{number}", digest=digest or actual)

    def lists(self, **models: list[PackedVersion]) -> str:
        """Writes the catalogue as the kubelet does, by a rename; returns its digest."""
        catalogue = Catalogue(models=[PackedModel(name=name, versions=versions) for name, versions in models.items()])
        part = self.file.with_suffix(".part")
        part.write_text(catalogue.text())
        os.replace(part, self.file)
        return catalogue_digest(catalogue.text())

    def start_fetcher(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the sidecar that fetches for the server."""
        command = [sys.executable, "-m", "modelyard_server", "fetcher", "--repository", str(self.repository)]
        command += ["--tracking-url", self.store.url, "--socket", str(self.socket), *arguments]
        return subprocess.Popen(command)

    @contextmanager
    def serving(self, *arguments: str, ready: bool = True, fetched: bool = True) -> Iterator[Served]:
        """Yields a server with its sidecar, unless that is not ``fetched``."""
        extra = ("--catalogue", str(self.file), "--fetcher", str(self.socket), *arguments)
        fetchers = [self.start_fetcher()] if fetched else []
        server = Served(self.repository, self.scratch, *extra, repository=True)
        try:
            if ready:
                server.wait_ready()
            yield server
        finally:
            for process in (server.process, *fetchers):
                process.kill()
                process.wait()


def state(server: Served, name: str = "") -> CatalogueState:
    status, body = server.get("/v2/catalogue" + (f"?name={name}" if name else ""))
    assert status == 200, body
    return CatalogueState.model_validate(body)


def index(server: Served) -> dict[str, tuple[str, str]]:
    """Returns the state and reason of each ``name/version``."""
    status, body = server.infer({}, "/v2/repository/index")
    assert status == 200, body
    return {f"{item['name']}/{item['version']}": (item["state"], item["reason"]) for item in body}


def until(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Returns the first true answer of ``check``."""
    end = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)
    return answer


def settled(server: Served, digest: str) -> CatalogueState:
    """Waits until the server has read this catalogue and has finished loading; returns its state."""

    def probe() -> CatalogueState | None:
        current = state(server)
        done = current.digest == digest and all(model.state != "Loading" for model in current.models)
        return current if done else None

    return until(probe)  # type: ignore[no-any-return]


def rows(model: StoredModel, number: int = 3) -> dict[str, Any]:
    """Returns a request for the table's first rows, as one tensor."""
    values = model.table[:number].to_numpy()
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": list(values.shape), "data": values.tolist()}]}


def encoded(model: StoredModel) -> bytes:
    return json.dumps(rows(model)).encode()
