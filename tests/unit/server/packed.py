"""A catalogue and the store that it points into, as the operator and training runs make them."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedModel, PackedVersion, catalogue_digest
from tests.unit.server.models import Made, write_manifest
from tests.unit.server.serving import Served
from tests.unit.server.test_fetch import URI, Store


class Packing:
    """``scratch``/store is served over HTTP, ``scratch``/catalogue.json is what a server watches."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.folder = scratch, scratch / "store"
        self.folder.mkdir()
        self.store = Store(self.folder)
        self.file, self.repository = scratch / "catalogue.json", scratch / "models"
        self.repository.mkdir()

    def put(self, made: Made, name: str, number: int, digest: str = "") -> PackedVersion:
        """The model in the store, with other bytes for each version; as the catalogue lists it."""
        at = self.folder / name / str(number)
        shutil.copytree(made.folder, at)
        found = write_manifest(at, made.manifest | {"categories": {"made": [f"{name} {number}"]}})
        return PackedVersion(number=number, uri=f"{URI}/{name}/{number}", digest=digest or found)

    def lists(self, **models: list[PackedVersion]) -> str:
        """Writes the catalogue as the kubelet does, by a rename; returns its digest."""
        found = Catalogue(models=[PackedModel(name=name, versions=versions) for name, versions in models.items()])
        part = self.file.with_suffix(".part")
        part.write_text(found.text())
        os.replace(part, self.file)
        return catalogue_digest(found.text())

    @contextmanager
    def serving(self, *arguments: str, ready: bool = True) -> Iterator[Served]:
        extra = ("--catalogue", str(self.file), "--tracking-url", self.store.url, *arguments)
        server = Served(self.repository, self.scratch, *extra, repository=True)
        try:
            if ready:
                server.wait_ready()
            yield server
        finally:
            server.process.kill()
            server.process.wait()


def state(server: Served, name: str = "") -> CatalogueState:
    status, body = server.get("/v2/catalogue" + (f"?name={name}" if name else ""))
    assert status == 200, body
    return CatalogueState.model_validate(body)


def index(server: Served) -> dict[str, tuple[str, str]]:
    """``name/version`` to state and reason."""
    status, body = server.infer({}, "/v2/repository/index")
    assert status == 200, body
    return {f"{item['name']}/{item['version']}": (item["state"], item["reason"]) for item in body}


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)
    return found


def settled(server: Served, digest: str) -> CatalogueState:
    """Once the server has read this catalogue and nothing is being loaded any more."""

    def probe() -> CatalogueState | None:
        found = state(server)
        done = found.digest == digest and all(model.state != "Loading" for model in found.models)
        return found if done else None

    return until(probe)  # type: ignore[no-any-return]


def rows(made: Made, number: int = 3) -> dict[str, Any]:
    """A request of the first rows, one tensor."""
    part = made.table[:number].to_numpy()
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": list(part.shape), "data": part.tolist()}]}


def encoded(made: Made) -> bytes:
    return json.dumps(rows(made)).encode()
