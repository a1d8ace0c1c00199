"""Follows one model of the catalogue: fetches it, replaces the version before it, and removes it in the end.

Threads fetch files and load models; the event loop changes which version answers, between two requests.
"""

from __future__ import annotations

import asyncio
import shutil
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from modelyard_api.wire.packing import PackedCondition, PackedModel, PackedState, PackedVersion
from modelyard_server.fetch import Refused, Unavailable
from modelyard_server.manifest import ModelError
from modelyard_server.models import Models, Slot
from modelyard_server.say import say

LINGER_SECONDS = 5.0
"""How long a model that is no longer listed still answers, so that its clients can learn of the change."""
DRAIN_SECONDS = 30.0
"""How long to wait for the requests in flight of a version that was replaced."""
FIRST_PAUSE, LAST_PAUSE = 5.0, 120.0
"""Seconds before a version that could not be fetched is tried again; the pause doubles each time."""
REPAIRABLE = ("ArtifactMissing", "DigestMismatch")
REPAIRED_WITHIN = 300.0
"""Seconds before a version whose stored bytes are gone or were changed is tried again: somebody may restore them."""
MAX_REASON = 512

Fetch = Callable[[PackedVersion, Path], None]
"""Fetches a version's files into a folder, in a thread. Raises Refused, Unavailable or OSError."""


class Follower:
    """Keeps one model as the catalogue lists it. ``wanted`` is None once the catalogue doesn't list it any more."""

    def __init__(self, name: str, models: Models, folder: Path, fetch: Fetch, threads: Executor) -> None:
        self.name, self._models, self._folder, self._fetch, self._threads = name, models, folder, fetch, threads
        self.wanted: PackedModel | None = None
        self.tried = asyncio.Event()
        """``tried`` is set once the model was loaded or has failed to load."""
        self._changed = asyncio.Event()
        self._held: dict[str, str] = {}
        """Version -> digest of the model that was loaded and checked."""
        self._state: PackedCondition = "Loading"
        self._reason = self._cause = ""
        self._pause = 0.0

    def want(self, wanted: PackedModel | None) -> None:
        if wanted != self.wanted:
            self.wanted, self._state, self._reason, self._cause = wanted, "Loading", "", ""
            self._changed.set()

    def state(self) -> PackedState | None:
        """Returns the state of the wanted version, or None if the model is not listed any more."""
        if self.wanted is None:
            return None
        first, serving = self.wanted.versions[0], self._serving()
        state, reason, slot = self._state, self._reason, self._slot(str(first.number))
        if state == "Ready" and slot is not None and not slot.answers:
            state, reason = "Failed", slot.reason  # it was evicted and couldn't be loaded again
        return PackedState(
            name=self.name,
            number=first.number,
            digest=first.digest,
            state=state,
            reason=reason[:MAX_REASON],
            cause=self._cause if state == "Failed" else "",
            serving=int(serving.version) if serving is not None else None,
        )

    async def run(self) -> None:
        """Follows the catalogue; returns once the model is no longer listed and its files are gone."""
        while True:
            self._changed.clear()
            wanted = self.wanted
            if wanted is None:
                self.tried.set()
                self._mark_leaving(True)
                if not await self._changed_within(LINGER_SECONDS):
                    await self._clear(keep=())
                    if self.wanted is None:
                        return
                continue
            self._mark_leaving(False)
            try:
                await self._settle(wanted)
            except Exception as error:
                say(f"{self.name}: {traceback.format_exc()}")
                self._state, self._reason = "Retrying", f"{type(error).__name__}: {error}"
            self.tried.set()
            if self._state != "Retrying":
                self._pause = 0.0
                if self._cause in REPAIRABLE:
                    await self._changed_within(REPAIRED_WITHIN)
                else:
                    await self._changed.wait()
                continue
            self._pause = min(LAST_PAUSE, self._pause * 2 or FIRST_PAUSE)
            await self._changed_within(self._pause)

    async def _changed_within(self, seconds: float) -> bool:
        """Waits at most ``seconds``; returns whether the catalogue's entry changed meanwhile."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _settle(self, wanted: PackedModel) -> None:
        """Makes the first version that can be served answer the requests; then keeps only it and those that failed."""
        failures: dict[str, str] = {}
        causes: dict[str, str] = {}
        state: PackedCondition = "Ready"
        for version in wanted.versions:
            number = str(version.number)
            try:
                slot = await self._bring(version)
            except (Refused, ModelError) as error:
                failures[number] = str(error)
                causes[number] = error.reason if isinstance(error, Refused) else "InvalidModel"
                state = "Failed" if state == "Ready" else state
            except (Unavailable, OSError) as error:
                failures[number], state = str(error), "Retrying"
            else:
                self._models.prefer(slot)
                await self._clear(keep=(number, *failures))
                break
        if wanted != self.wanted:
            return  # the entry changed meanwhile, so this outcome is not the new one's
        self._state = state
        first = str(wanted.versions[0].number)
        self._reason, self._cause = failures.get(first, ""), causes.get(first, "")

    async def _bring(self, version: PackedVersion) -> Slot:
        """Returns the version's slot, with the model checked and loaded, or evicted to make room.

        Raises ModelError and the errors of ``Fetch``.
        """
        number, folder = str(version.number), self._folder / str(version.number)
        slot = self._slot(number)
        if slot is not None and slot.answers and self._held.get(number) == version.digest:
            return slot
        if slot is None:
            slot = self._models.add(self.name, number, folder)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, version, folder)
            await self._models.bring(slot)
        except (Refused, Unavailable, ModelError, OSError) as error:
            if slot.model is None:
                slot.reason, slot.on_demand = str(error), False
            say(f"cannot serve {self.name} version {number}: {error}")
            raise
        self._held[number] = version.digest
        say(f"serving {self.name} version {number}, {version.digest}")
        return slot

    async def _clear(self, keep: tuple[str, ...]) -> None:
        """Removes all versions but ``keep``, each once its requests in flight are answered or DRAIN_SECONDS passed."""
        for slot in self._slots():
            if slot.version in keep:
                continue
            end = time.monotonic() + DRAIN_SECONDS
            while slot.counts.in_flight and time.monotonic() < end:  # noqa: ASYNC110 - the count signals no event
                await asyncio.sleep(0.05)
            self._models.drop(slot, "the catalogue lists it no more")
            self._held.pop(slot.version, None)
            await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda folder=slot.folder: shutil.rmtree(folder, ignore_errors=True)
            )

    def _mark_leaving(self, leaving: bool) -> None:
        for slot in self._slots():
            slot.leaving = leaving

    def _slots(self) -> list[Slot]:
        return [slot for slot in self._models if slot.name == self.name]

    def _slot(self, number: str) -> Slot | None:
        return next((slot for slot in self._slots() if slot.version == number), None)

    def _serving(self) -> Slot | None:
        """Returns the slot that answers requests without a version, or None."""
        if not self._slots():
            return None
        slot = self._models.find(self.name)
        return slot if slot.answers else None
