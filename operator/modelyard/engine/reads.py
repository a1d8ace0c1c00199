"""Reads the facts that ``decide`` asked for: objects not in the store, pods' HTTP answers, artifact documents."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, assert_never

import aiohttp
import orjson

from modelyard.engine.artifacts import NoDocument, address, body, delete, download, listed, record
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.deliver import deliver
from modelyard.engine.events import last_seen
from modelyard.engine.plan import (
    Closed,
    Deleted,
    Delivered,
    EventsOf,
    Fetch,
    Listing,
    Need,
    Page,
    PodsOf,
    PodsWith,
    Recorded,
    Result,
    Unavailable,
    Unreadable,
)
from modelyard.engine.resource import EVENTS, PODS, Object
from modelyard.engine.tracking import close
from modelyard_api.wire.result import SUPERSEDED

CACHE_BYTES = 16 * 1024 * 1024
"""Size of the cache of documents that are never written again."""
_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
_PAGE_TIMEOUT = aiohttp.ClientTimeout(total=3)
"""A healthy pod answers at once, so its timeout is short."""

log = logging.getLogger(__name__)


class Reads:
    """Reads facts. ``tracking_url`` is the MLflow server whose artifact proxy serves the documents.

    ``may_write`` says whether this process still leads; otherwise nothing is recorded.
    """

    def __init__(self, client: ApiClient, tracking_url: str, may_write: Callable[[], bool] = lambda: True) -> None:
        self._client, self._may_write, self._tracking_url = client, may_write, tracking_url
        self._session: aiohttp.ClientSession | None = None
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def read(self, needs: Iterable[Need]) -> dict[Need, Any]:
        """Returns the fact of each need, all read concurrently. What can't be read now is ``Unavailable``."""
        unique = tuple(dict.fromkeys(needs))
        return dict(zip(unique, await asyncio.gather(*(self._fact(need) for need in unique)), strict=True))

    async def _fact(self, need: Need) -> Any:
        try:
            match need:
                case Fetch():
                    return await self._client.get(need.resource, need.namespace, need.name)
                case PodsOf():
                    return await self._pods(need.namespace, f"batch.kubernetes.io/controller-uid={need.job_uid}")
                case PodsWith():
                    return await self._pods(need.namespace, need.selector)
                case EventsOf():
                    return await self._events(need)
                case Page():
                    return await self._page(need.url)
                case Result():
                    return await self._result(need.uri, need.lasts)
                case Listing():
                    return await self._stored(
                        need.uri, lambda: listed(self._open_session(), self._tracking_url, need.uri)
                    )
                case Recorded():
                    return await self._stored(need.uri, lambda: self._record(need.uri))
                case Deleted():
                    return await self._stored(", ".join(need.uris), lambda: self._delete(need.uris))
                case Closed():
                    return await self._stored(need.experiment, lambda: self._close(need))
                case Delivered():
                    return await deliver(self._client, need)
                case _:
                    assert_never(need)
        except ApiError as error:
            log.warning("can't read %s: %s", need, error)
            return Unavailable(str(error))

    async def _pods(self, namespace: str, selector: str) -> list[Object]:
        pods = [pod async for page in self._client.pages(PODS, namespace, selector) for pod in page["items"]]
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    async def _events(self, need: EventsOf) -> list[Object]:
        fields = f"regarding.uid={need.uid},reason={need.reason}"
        pages = self._client.pages(EVENTS, need.namespace, fields=fields)
        return sorted([event async for page in pages for event in page["items"]], key=last_seen)

    async def _page(self, url: str) -> bytes | Unavailable:
        try:
            async with self._open_session().get(url, timeout=_PAGE_TIMEOUT) as answer:
                if answer.status != 200:
                    return Unavailable(f"{url}: answered {answer.status}")
                return await body(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Unavailable(f"{url}: {error or type(error).__name__}")

    async def _result(self, uri: str, lasts: bool) -> Any:
        """Returns the document, None if it doesn't exist, Unavailable or Unreadable."""
        if uri in self._cache:
            self._cache.move_to_end(uri)
            return orjson.loads(self._cache[uri])
        try:
            data = await download(self._open_session(), address(self._tracking_url, uri))
            document = None if data is None else orjson.loads(data)
        except ValueError as error:
            return Unreadable(f"{uri}: {error}")
        except (aiohttp.ClientError, OSError, TimeoutError, NoDocument) as error:
            message = f"{uri}: {error or type(error).__name__}"
            log.warning("can't read %s", message)
            return Unavailable(message)
        if document == SUPERSEDED:
            return None
        if data is not None and lasts:
            self._remember(uri, data)
        return document

    async def _record(self, uri: str) -> bool:
        if not self._may_write():
            raise NoDocument("nothing was recorded, since the lease was not renewed in time")
        await record(self._open_session(), address(self._tracking_url, uri))
        return True

    async def _delete(self, uris: Iterable[str]) -> bool:
        for uri in uris:
            if not self._may_write():
                raise NoDocument("nothing more was deleted, since the lease was not renewed in time")
            await delete(self._open_session(), address(self._tracking_url, uri))
        return True

    async def _close(self, need: Closed) -> bool:
        if not self._may_write():
            raise NoDocument("no run was ended, since the lease was not renewed in time")
        await close(self._open_session(), self._tracking_url, need)
        return True

    async def _stored(self, uri: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Returns the answer of the artifact store, or Unavailable."""
        try:
            return await ask()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, NoDocument) as error:
            message = f"{uri}: {error or type(error).__name__}"
            log.warning("no answer about %s", message)
            return Unavailable(message)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._session

    def _remember(self, uri: str, data: bytes) -> None:
        self._cache[uri] = data
        self._cached_bytes += len(data)
        while self._cached_bytes > CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped)
