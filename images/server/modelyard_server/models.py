"""The models of the process, by the rules of the V2 protocol's model repository extension.

Only the event loop changes the slots; a thread reads files and loads models, one at a time.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelyard_server import repository
from modelyard_server.load import load
from modelyard_server.manifest import ModelError
from modelyard_server.metrics import Counts
from modelyard_server.model import Model
from modelyard_server.observe.observer import Observer
from modelyard_server.say import say
from modelyard_server.tensors import BadRequest

READY, UNAVAILABLE, LOADING = "READY", "UNAVAILABLE", "LOADING"
"""The states that the extension's index reports."""
FIRST_LOAD = "the model is being loaded"


class Slot:
    """One version of a model, loaded or not. ``model`` is None while it can't answer, and ``reason`` says why."""

    __slots__ = (
        "cost",
        "counts",
        "folder",
        "leaving",
        "loading",
        "model",
        "name",
        "observer",
        "on_demand",
        "reason",
        "seconds_a_call",
        "used",
        "version",
    )

    def __init__(self, name: str, version: str, folder: Path) -> None:
        self.name, self.version, self.folder = name, version, folder
        self.model: Model | None = None
        self.reason = FIRST_LOAD
        self.on_demand = False
        """``on_demand`` says whether a request loads the model again."""
        self.leaving = False
        """``leaving`` says that the slot goes soon: each answer then closes its connection, so that the client connects
        again, to the server that has the model now."""
        self.loading: asyncio.Future[Model] | None = None
        self.used = 0.0
        """``used`` is the time of the last request (``time.perf_counter``). The model unused longest is evicted."""
        self.seconds_a_call = 0.0
        """``seconds_a_call`` is the time of the example at the last load; it bounds how many requests may wait."""
        self.cost = 0
        self.counts = Counts()
        self.observer: Observer | None = None
        """``observer`` belongs to the loaded model, and is dropped with it."""

    @property
    def answers(self) -> bool:
        """Whether a request would be answered, if necessary after a load."""
        return self.model is not None or self.on_demand

    @property
    def state(self) -> str:
        if self.model is not None:
            return READY
        return LOADING if self.loading is not None else UNAVAILABLE


class Models:
    """Holds one model for the whole life of the process, or those of a repository within ``budget`` bytes.

    Without a ``folder`` clients can't load and unload: the code that calls ``add``, ``prefer`` and ``drop`` decides
    which models there are.
    """

    def __init__(self, folder: Path | None = None, budget: int = 0, threads: int = 1, observed: bool = True) -> None:
        self._folder, self._budget, self._threads, self._observed = folder, budget, threads, observed
        self._versions: dict[str, dict[str, Slot]] = {}
        self._preferred: dict[str, str] = {}
        """Name -> the version that answers requests without a version, if that is not the highest one."""
        self.infer_paths: dict[str, Slot] = {}
        """Path of an infer request -> its slot: finding the slot costs one look-up."""
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._turn = asyncio.Lock()

    def __iter__(self) -> Iterator[Slot]:
        return (slot for versions in self._versions.values() for slot in versions.values())

    # The slots

    def find(self, name: str, version: str | None = None) -> Slot:
        """Returns the slot of ``version``, by default the preferred or highest one. Raises BadRequest, status 404."""
        versions = self._versions.get(name)
        if versions is None:
            raise BadRequest(f"unknown model {name[:128]!r}: {self._served()}", 404)
        if not version:
            return versions.get(self._preferred.get(name, "")) or next(reversed(versions.values()))
        if version not in versions:
            raise BadRequest(f"unknown version {version[:128]!r} of model {name!r}: {self._served()}", 404)
        return versions[version]

    def versions(self, name: str) -> list[str]:
        return list(self._versions[name])

    def _served(self) -> str:
        models = [f"{name!r} version {', '.join(versions)}" for name, versions in self._versions.items()]
        more = f" and {len(models) - 10} more models" if len(models) > 10 else ""
        return f"this server serves {'; '.join(models[:10]) or 'no model'}{more}"

    def add(self, name: str, version: str, folder: Path) -> Slot:
        """Adds a slot for a model, without loading it."""
        slot = Slot(name, version, folder)
        versions = self._versions.setdefault(name, {})
        versions[version] = slot
        self._versions[name] = dict(sorted(versions.items(), key=lambda item: int(item[0])))
        self._route(name)
        return slot

    def prefer(self, slot: Slot) -> None:
        """Makes this version answer the requests that name no version."""
        self._preferred[slot.name] = slot.version
        self._route(slot.name)

    def drop(self, slot: Slot, reason: str) -> None:
        """Removes the slot; requests in flight keep the model that they have."""
        self._let_go(slot, reason)
        versions = self._versions[slot.name]
        del versions[slot.version]
        if not versions:
            del self._versions[slot.name]
        if self._preferred.get(slot.name) == slot.version:
            del self._preferred[slot.name]
        del self.infer_paths[f"/v2/models/{slot.name}/versions/{slot.version}/infer"]
        self._route(slot.name)

    def _route(self, name: str) -> None:
        base, versions = f"/v2/models/{name}", self._versions.get(name)
        if not versions:
            self.infer_paths.pop(f"{base}/infer", None)
            return
        for version, slot in versions.items():
            self.infer_paths[f"{base}/versions/{version}/infer"] = slot
        self.infer_paths[f"{base}/infer"] = self.find(name)

    # Loading

    async def loaded(self, slot: Slot) -> Model:
        """Returns the slot's model, loading it first if it was evicted. Raises BadRequest, status 503."""
        if slot.model is not None:
            return slot.model
        if slot.loading is None and not slot.on_demand:
            raise BadRequest(unavailable(slot), 503)
        try:
            return await self.bring(slot)
        except ModelError:
            raise BadRequest(unavailable(slot), 503) from None

    async def bring(self, slot: Slot) -> Model:
        """Loads or reloads the slot's model; during a reload the old model answers. Raises ModelError."""
        if slot.loading is None:
            slot.loading = asyncio.ensure_future(self._bring(slot))
        # Shielded: others wait for the same load if this caller is cancelled.
        return await asyncio.shield(slot.loading)

    async def _bring(self, slot: Slot) -> Model:
        loop = asyncio.get_running_loop()
        try:
            async with self._turn:
                cost = await loop.run_in_executor(self._loader, repository.cost, slot.folder) if self._budget else 0
                self._make_room(slot, cost)
                model = await loop.run_in_executor(self._loader, _load, slot.folder, self._threads)
                slot.model, slot.cost, slot.reason, slot.on_demand = model, cost, "", False
                slot.used = time.perf_counter()
                slot.seconds_a_call = model.seconds_a_call
                slot.observer = Observer(slot.name, slot.version, model.manifest) if self._observed else None
                slot.counts.history.restart()
                return model
        except ModelError as error:
            if slot.model is None:
                # No retry on demand: each request would cost a load that fails.
                slot.reason, slot.on_demand = str(error), False
            raise
        finally:
            slot.loading = None

    def _make_room(self, slot: Slot, cost: int) -> None:
        if cost > self._budget > 0:
            raise ModelError(f"it needs about {cost} bytes, --memory-budget is {self._budget}")
        # The slot's own cost counts too: during a reload the old and the new model are both in memory.
        while self._budget and sum(other.cost for other in self) + cost > self._budget:
            oldest = min((other for other in self if other.cost and other is not slot), key=_used, default=slot)
            self._let_go(oldest, "it made room for others, and comes back when it is asked for")
            oldest.on_demand = True

    def _let_go(self, slot: Slot, reason: str) -> None:
        """Unloads the slot's model; requests in flight keep it until they are answered."""
        model, slot.model, slot.cost, slot.reason, slot.on_demand = slot.model, None, 0, reason, False
        slot.observer = None
        if model is not None:
            say(f"unloaded {slot.name} version {slot.version}: {reason}")
            self._loader.submit(_trim)

    # The extension's three calls

    async def start(self) -> None:
        """Finds the models of the repository and loads them while they fit. Raises ModelError if it can't be read.

        A model that can't be loaded doesn't affect the others: the index says why.
        """
        loop = asyncio.get_running_loop()
        await self._scan()
        room = self._budget
        for slot in list(self):
            try:
                room -= await loop.run_in_executor(self._loader, repository.cost, slot.folder)
                if self._budget and room < 0:
                    slot.on_demand, slot.reason = True, "it comes when it is asked for"
                    continue
                await self.bring(slot)
            except ModelError as error:
                slot.reason = str(error)
                say(f"cannot serve {slot.name} version {slot.version}: {error}")

    async def index(self, ready: bool = False) -> list[dict[str, str]]:
        """Returns the models now in the repository, loaded or not; with ``ready`` only the loaded ones."""
        if self._folder is not None:
            await self._scan()
        return [
            {"name": slot.name, "version": slot.version, "state": slot.state, "reason": slot.reason}
            for slot in self
            if slot.model is not None or not ready
        ]

    async def load(self, name: str) -> None:
        """Loads or reloads all versions of a model. Raises BadRequest."""
        await self._controlled(name)
        failures = []
        for version in self.versions(name):
            try:
                await self.bring(self.find(name, version))
            except ModelError as error:
                failures.append(f"version {version}: {error}")
        if failures:
            raise BadRequest(f"cannot load {name!r}: {'; '.join(failures)}")

    async def unload(self, name: str) -> None:
        """Unloads all versions of a model; only ``load`` brings it back. Raises BadRequest."""
        await self._controlled(name)
        for version in self.versions(name):
            slot = self.find(name, version)
            if slot.loading is not None:
                await asyncio.wait({slot.loading})
            self._let_go(slot, f"it was unloaded: POST /v2/repository/models/{name}/load brings it back")

    async def _controlled(self, name: str) -> None:
        if self._folder is None:
            raise BadRequest("the models of this server can't be loaded or unloaded by clients", 403)
        await self._scan()
        self.find(name)

    async def _scan(self) -> None:
        assert self._folder is not None
        loop = asyncio.get_running_loop()
        folders = await loop.run_in_executor(self._loader, repository.scan, self._folder)
        for slot in list(self):
            if slot.version not in folders.get(slot.name, {}) and slot.loading is None:
                self.drop(slot, "its folder is gone")
        for name, versions in folders.items():
            for version, folder in versions.items():
                if version not in self._versions.get(name, {}):
                    self.add(name, version, folder).reason = "it was never loaded"


def unavailable(slot: Slot) -> str:
    """Returns the message for a model that can't answer."""
    if slot.reason == FIRST_LOAD:
        return FIRST_LOAD
    return f"model {slot.name!r} version {slot.version} is not loaded: {slot.reason}"


def _used(slot: Slot) -> float:
    return slot.used


def _load(folder: Path, threads: int) -> Model:
    """Loads a model. Turns every failure into a ModelError, since trying again with the same bytes can't help."""
    try:
        return load(folder, threads)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{type(error).__name__}: {' '.join(str(error).split())[:400]}") from error


def _trim() -> None:
    """Returns an unloaded model's memory to the system: glibc would keep it for the process."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
