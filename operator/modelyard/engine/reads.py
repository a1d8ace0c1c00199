"""Reads the facts that ``decide`` asked for: objects not in the store, pods' HTTP answers, artifact documents."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, assert_never
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.events import last_seen
from modelyard.engine.plan import EventsOf, Fetch, Need, Page, PodsOf, PodsWith, Result, Unavailable, Unreadable
from modelyard.engine.resource import EVENTS, PODS, Object

MAX_BYTES = 4 * 1024 * 1024
"""Longest document or HTTP answer that is read."""
CACHE_BYTES = 16 * 1024 * 1024
"""Size of the cache of documents. A document is written once, by digest, so it is not read again."""
_SCHEME = "mlflow-artifacts"
_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
_PAGE_TIMEOUT = aiohttp.ClientTimeout(total=3)
"""A healthy pod answers at once, so its timeout is short."""

log = logging.getLogger(__name__)


class _NoDocument(Exception):
    """The artifact store gave an answer that says neither what the document is nor that it doesn't exist."""


class Reads:
    """Reads facts. ``tracking_url`` is the MLflow server whose artifact proxy serves the documents."""

    def __init__(self, client: ApiClient, tracking_url: str) -> None:
        self._client = client
        self._artifacts = tracking_url.rstrip("/") + "/api/2.0/mlflow-artifacts/artifacts/"
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
                    return await self._result(need.uri)
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
                return await _body(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Unavailable(f"{url}: {error or type(error).__name__}")

    async def _result(self, uri: str) -> Any:
        """Returns the document, None if it doesn't exist, Unavailable or Unreadable."""
        if uri in self._cache:
            self._cache.move_to_end(uri)
            return orjson.loads(self._cache[uri])
        try:
            data = await self._download(self._address(uri))
            document = None if data is None else orjson.loads(data)
        except ValueError as error:
            return Unreadable(f"{uri}: {error}")
        except (aiohttp.ClientError, OSError, TimeoutError, _NoDocument) as error:
            message = f"{uri}: {error or type(error).__name__}"
            log.warning("can't read %s", message)
            return Unavailable(message)
        if data is not None:
            self._remember(uri, data)
        return document

    def _address(self, uri: str) -> str:
        parts = urlsplit(uri)
        path = parts.path.lstrip("/")
        if parts.scheme != _SCHEME or not path or ".." in path.split("/"):
            raise ValueError(f"not an address of the artifact store, which is {_SCHEME}:/path")
        return self._artifacts + quote(path)

    async def _download(self, address: str) -> bytes | None:
        async with self._open_session().get(address) as answer:
            # Only a 404 of MLflow's own says that the artifact doesn't exist. Any other may mean a wrong address.
            if answer.status == 404 and b"RESOURCE_DOES_NOT_EXIST" in await answer.content.read(MAX_BYTES):
                return None
            if answer.status != 200:
                raise _NoDocument(f"the artifact store answered {answer.status}")
            return await _body(answer)

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


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """Returns the body. Raises ValueError if it is longer than ``MAX_BYTES``."""
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > MAX_BYTES:
            raise ValueError(f"longer than {MAX_BYTES} bytes")
    return bytes(data)
