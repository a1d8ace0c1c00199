"""Requests to the artifact store, which is the artifact proxy of the MLflow server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from modelyard_api.wire.identity import OPERATOR_TOKEN_FILE, authorization

MAX_BYTES = 4 * 1024 * 1024
"""Longest document or HTTP answer that is read."""
MAX_SAID = 300
"""Longest part of a refusal that is told."""
_SCHEME = "mlflow-artifacts"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class NoDocument(Exception):
    """The artifact store gave an answer that says neither what the document is nor that it doesn't exist."""


def address(tracking_url: str, uri: str) -> str:
    """Returns the HTTP address of a document. Raises ValueError for a URI of another store."""
    return f"{tracking_url.rstrip('/')}{_ARTIFACTS}/{quote(_path(uri))}"


def identity() -> dict[str, str]:
    """Returns the header that tells the tracking server, and nobody else, that the operator asks."""
    return authorization(Path(OPERATOR_TOKEN_FILE))


async def download(session: aiohttp.ClientSession, at: str) -> bytes | None:
    """Returns a document, or None if it doesn't exist."""
    async with session.get(at, headers=identity()) as answer:
        if await is_absent(answer):
            return None
        await check(answer)
        return await body(answer)


async def listed(session: aiohttp.ClientSession, tracking_url: str, uri: str) -> tuple[str, ...]:
    """Returns the names in a folder, none if it doesn't exist."""
    at = f"{tracking_url.rstrip('/')}{_ARTIFACTS}"
    async with session.get(at, params={"path": _path(uri)}, headers=identity()) as answer:
        await check(answer)
        document = orjson.loads(await body(answer))
    try:
        return tuple(str(item["path"]) for item in document.get("files", ()))
    except (AttributeError, KeyError, TypeError) as error:
        raise NoDocument("the artifact store answered with no list of files") from error


async def record(session: aiohttp.ClientSession, at: str) -> None:
    """Writes an entry of which only the name counts, so that no half-written content can be wrong."""
    async with session.put(at, data=b"{}", headers=identity()) as answer:
        await check(answer)


async def delete(session: aiohttp.ClientSession, at: str) -> None:
    """Deletes a folder or a file, if there is one."""
    async with session.delete(at, headers=identity()) as answer:
        if await is_absent(answer):
            return
        await check(answer)


async def is_absent(answer: aiohttp.ClientResponse) -> bool:
    """Whether the answer says that there is no such thing: only a 404 of MLflow's own does. Any other may mean a wrong
    address."""
    return answer.status == 404 and b"RESOURCE_DOES_NOT_EXIST" in await answer.content.read(MAX_BYTES)


async def body(answer: aiohttp.ClientResponse) -> bytes:
    """Returns the body. Raises ValueError if it is longer than ``MAX_BYTES``."""
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > MAX_BYTES:
            raise ValueError(f"longer than {MAX_BYTES} bytes")
    return bytes(data)


def _path(uri: str) -> str:
    parts = urlsplit(uri)
    path = parts.path.lstrip("/")
    if parts.scheme != _SCHEME or not path or ".." in path.split("/"):
        raise ValueError(f"not an address of the artifact store, which is {_SCHEME}:/path")
    return path


async def check(answer: aiohttp.ClientResponse) -> None:
    """Raises NoDocument, with what to look at, unless the answer is 200."""
    if answer.status in (401, 403):
        said = (await answer.content.read(MAX_SAID)).decode(errors="replace")
        raise NoDocument(
            f"the tracking server answered {answer.status} to the operator: {said}; see that both are of one release, "
            f"and that the operator's pod has {OPERATOR_TOKEN_FILE}"
        )
    if answer.status != 200:
        raise NoDocument(f"the artifact store answered {answer.status}")
