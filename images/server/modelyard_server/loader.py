"""Serves the models that a catalogue lists: reads the file again when it changes, and gives each model a Follower.

The file belongs to a ConfigMap, so the kubelet replaces it as a whole. A model that can't be served doesn't affect the
others.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedVersion, catalogue_digest
from modelyard_server import fetcher
from modelyard_server.follow import Follower
from modelyard_server.models import Models
from modelyard_server.say import say

LOOK_EVERY = 0.5
"""Seconds between two reads of the file."""


class Loader:
    """``file`` is the catalogue; ``folder`` is where the models are kept, as ``NAME/VERSION``.

    At ``socket`` the sidecar is asked to fetch them.
    """

    def __init__(self, models: Models, file: Path, folder: Path, socket: Path) -> None:
        self._models, self._file, self._folder, self._socket = models, file, folder, socket
        self._threads = ThreadPoolExecutor(fetcher.AT_ONCE, thread_name_prefix="fetch")
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="catalogue")
        self._followers: dict[str, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._text: str | None = None
        self._digest: str | None = None
        self._complaint = ""
        self.watching: asyncio.Future[None] | None = None
        """``watching`` reads the file forever; it ends only through a bug."""

    async def start(self) -> None:
        """Returns once the catalogue was read and each of its models was loaded or has failed to load."""
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
        """Returns the state of all models of the catalogue, or only of model ``name``."""
        states = [follower.state() for follower in self._followers.values() if name in (None, follower.name)]
        return CatalogueState(digest=self._digest, models=[state for state in states if state is not None])

    async def _look(self) -> bool:
        """Reads the file; returns whether it holds a new catalogue."""
        try:
            text = await asyncio.get_running_loop().run_in_executor(self._looks, self._file.read_text)
            if text == self._text:
                return False
            catalogue = Catalogue.model_validate_json(text)
        except (OSError, ValueError, ValidationError) as error:
            # Keep serving the models of the last catalogue: the next file may be valid again.
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

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            del self._followers[name]

        task.add_done_callback(ended)

    def _fetch(self, version: PackedVersion, to: Path) -> None:
        fetcher.ask(self._socket, version.uri, version.digest, str(to.relative_to(self._folder)))

    async def _sweep(self) -> None:
        """Removes the models an earlier process fetched that the catalogue no longer lists: the disk is bounded."""
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
