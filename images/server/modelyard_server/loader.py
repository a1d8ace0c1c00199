"""The models that a catalogue lists: read again whenever its file changes, each followed by itself.

The file is a ConfigMap's, which the kubelet replaces as a whole. A model that can't be served keeps no other from it.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedVersion, catalogue_digest
from modelyard_server import fetch
from modelyard_server.follow import Follower
from modelyard_server.models import Models
from modelyard_server.say import say

LOOK_EVERY = 0.5
"""Seconds between two looks at the file."""
AT_ONCE = 4
"""Models fetched at once: they come one after the other from the same store."""
GIVE_UP_AFTER = 30.0
"""Seconds for which the store is asked for one model, before it counts as one that can't be brought now."""


class Loader:
    """``file``: the catalogue. ``folder``: where models are kept, as ``NAME/VERSION``."""

    def __init__(self, models: Models, file: Path, folder: Path, tracking_url: str) -> None:
        self._models, self._file, self._folder, self._tracking_url = models, file, folder, tracking_url
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="catalogue")
        self._followers: dict[str, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._text: str | None = None
        self._digest: str | None = None
        self._complaint = ""
        self.watching: asyncio.Future[None] | None = None
        """Looks at the file for ever; ends only by a mistake of ours."""

    async def start(self) -> None:
        """Until the catalogue was read, and each of its models was loaded or could not be."""
        while self._digest is None:
            if not await self._look():
                await asyncio.sleep(LOOK_EVERY)
        await self._sweep()
        self.watching = asyncio.ensure_future(self._watch())
        await asyncio.gather(*(follower.tried.wait() for follower in list(self._followers.values())))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look()

    def state(self, name: str | None = None) -> CatalogueState:
        """What came of the catalogue, or of one of its models."""
        told = [follower.told() for follower in self._followers.values() if name in (None, follower.name)]
        return CatalogueState(digest=self._digest, models=[one for one in told if one is not None])

    async def _look(self) -> bool:
        """Reads the file; says whether there was a new catalogue."""
        try:
            text = await asyncio.get_running_loop().run_in_executor(self._looks, self._file.read_text)
            if text == self._text:
                return False
            catalogue = Catalogue.model_validate_json(text)
        except (OSError, ValueError, ValidationError) as error:
            # What is served goes on: the next one may be whole again.
            complaint = f"cannot read the catalogue {self._file}: {error}"
            if complaint != self._complaint:
                say(complaint)
                self._complaint = complaint
            return False
        self._text, self._digest, self._complaint = text, catalogue_digest(text), ""
        wanted = {model.name: model for model in catalogue.models}
        say(f"the catalogue lists {len(wanted)} models")
        for name in wanted.keys() - self._followers.keys():
            self._follow(name)
        for name, follower in self._followers.items():
            follower.want(wanted.get(name))
        return True

    def _follow(self, name: str) -> None:
        follower = Follower(name, self._models, self._folder / name, self._fetch, self._threads)
        self._followers[name] = follower
        task = asyncio.ensure_future(follower.run())
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            del self._followers[name]

        task.add_done_callback(ended)

    def _fetch(self, version: PackedVersion, to: Path) -> None:
        fetch.bring(version.uri, version.digest, self._tracking_url, to, GIVE_UP_AFTER)

    async def _sweep(self) -> None:
        """Removes what an earlier process left and nobody wants any more: the disk is bounded."""
        wanted = {
            self._folder / follower.name / str(version.number)
            for follower in self._followers.values()
            if follower.wanted is not None
            for version in follower.wanted.versions
        }

        def sweep() -> None:
            for path in self._folder.glob("*/*"):
                if path not in wanted:
                    shutil.rmtree(path, ignore_errors=True)

        await asyncio.get_running_loop().run_in_executor(self._looks, sweep)
