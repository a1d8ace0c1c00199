"""Answers what ``decide`` asked for: objects that aren't fed, what pods answer, documents in the artifact store."""

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
from modelyard.engine.plan import Fetch, Need, Page, PodsOf, PodsWith, Result, Unavailable, Unreadable
from modelyard.engine.resource import PODS, Object

MAX_BYTES = 4 * 1024 * 1024
"""Of one document."""
KEPT_BYTES = 16 * 1024 * 1024
"""Of documents that were found: they are written once by digest, so they are never read twice while kept."""
_SCHEME = "mlflow-artifacts"
_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
_PAGE_TIMEOUT = aiohttp.ClientTimeout(total=3)
"""Of a pod, which answers at once or is not well."""

log = logging.getLogger(__name__)


class _NotNow(Exception):
    """The store answered, but not with the document."""


class Reads:
    """``tracking_url`` is the MLflow server whose artifact proxy holds the documents."""

    def __init__(self, client: ApiClient, tracking_url: str) -> None:
        self._client = client
        self._artifacts = tracking_url.rstrip("/") + "/api/2.0/mlflow-artifacts/artifacts/"
        self._session: aiohttp.ClientSession | None = None
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def read(self, needs: Iterable[Need]) -> dict[Need, Any]:
        """The fact of each need, read at the same time; what can't be read now is ``Unavailable``."""
        wanted = tuple(dict.fromkeys(needs))
        return dict(zip(wanted, await asyncio.gather(*(self._fact(need) for need in wanted)), strict=True))

    async def _fact(self, need: Need) -> Any:
        try:
            match need:
                case Fetch():
                    return await self._client.get(need.resource, need.namespace, need.name)
                case PodsOf():
                    return await self._pods(need.namespace, f"batch.kubernetes.io/controller-uid={need.job_uid}")
                case PodsWith():
                    return await self._pods(need.namespace, need.selector)
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

    async def _page(self, url: str) -> bytes | Unavailable:
        try:
            async with self._sessions().get(url, timeout=_PAGE_TIMEOUT) as answer:
                if answer.status != 200:
                    return Unavailable(f"{url}: answered {answer.status}")
                return await _body(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Unavailable(f"{url}: {error or type(error).__name__}")

    async def _result(self, uri: str) -> Any:
        """The document, None where there is none, Unavailable or Unreadable."""
        if uri in self._kept:
            self._kept.move_to_end(uri)
            return orjson.loads(self._kept[uri])
        try:
            data = await self._download(self._address(uri))
            document = None if data is None else orjson.loads(data)
        except ValueError as error:
            return Unreadable(f"{uri}: {error}")
        except (aiohttp.ClientError, OSError, TimeoutError, _NotNow) as error:
            what = f"{uri}: {error or type(error).__name__}"
            log.warning("can't read %s", what)
            return Unavailable(what)
        if data is not None:
            self._keep(uri, data)
        return document

    def _address(self, uri: str) -> str:
        parts = urlsplit(uri)
        path = parts.path.lstrip("/")
        if parts.scheme != _SCHEME or not path or ".." in path.split("/"):
            raise ValueError(f"not an address of the artifact store, which is {_SCHEME}:/path")
        return self._artifacts + quote(path)

    async def _download(self, address: str) -> bytes | None:
        async with self._sessions().get(address) as answer:
            # MLflow's own 404 says that the artifact isn't there; another one, that this isn't MLflow's address.
            if answer.status == 404 and b"RESOURCE_DOES_NOT_EXIST" in await answer.content.read(MAX_BYTES):
                return None
            if answer.status != 200:
                raise _NotNow(f"the artifact store answered {answer.status}")
            return await _body(answer)

    def _sessions(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._session

    def _keep(self, uri: str, data: bytes) -> None:
        self._kept[uri] = data
        self._kept_bytes += len(data)
        while self._kept_bytes > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """Raises ValueError when it is longer than ``MAX_BYTES``."""
    data = bytearray()
    async for piece in answer.content.iter_chunked(65536):
        data += piece
        if len(data) > MAX_BYTES:
            raise ValueError(f"longer than {MAX_BYTES} bytes")
    return bytes(data)
