"""Files behind http and https: one, those that a folder's page links to, or those of them that a glob matches."""

from __future__ import annotations

import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import aiohttp
import certifi
from fsspec.asyn import sync
from fsspec.implementations.http import HTTPFileSystem

from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.reading.locate import is_hidden
from modelyard_runtime.tables.sources import guard, trouble
from modelyard_runtime.tables.sources.keys import FIELD, Keys
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import PIECE, Changed, Wanted

KEYS = ("token", "username", "password", "ca.crt")
CONNECT_SECONDS, ANSWER_SECONDS, TRIES = 10, 30, 3
T = TypeVar("T")


class Web:
    """Raises UserError for an unusable Secret."""

    def __init__(self, address: str, keys: Keys, wanted: Wanted) -> None:
        keys.check(KEYS, "https")
        self._address, self._keys, self._wanted = address, keys, wanted
        self._refused: list[UserError] = []
        headers, context = {"Accept-Encoding": "identity", **_authorization(keys)}, _context(keys)
        if "Authorization" in headers and not address.startswith("https:"):
            message = "credentials would go over http in plain text; write an https address"
            raise UserError("SourceDenied", message, trouble.URI)

        async def client(**_: Any) -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                headers=headers,
                connector=aiohttp.TCPConnector(ssl=context, socket_factory=self._socket),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
            )

        self._fs = HTTPFileSystem(get_client=client, skip_instance_cache=True, use_listings_cache=False)
        path = urlsplit(address).path
        self._is_glob = any(char in path for char in "*[")
        self.is_folder = self._is_glob or path.endswith("/")
        self.left_out: list[str] = []
        certain = address[: min(address.find(char) for char in "*[" if char in address)] if self._is_glob else address
        self._base = f"{certain.rpartition('/')[0]}/"

    def files(self) -> list[File]:
        if not self.is_folder:
            return [self._asked("HEAD", self._address, self._file)]
        listed = self._fs.glob if self._is_glob else self._fs.ls

        def names() -> list[str]:
            found = listed(self._address, detail=True)
            entries = found.values() if isinstance(found, dict) else found
            return sorted(
                item["name"] for item in entries if item["type"] == "file" and item["name"].startswith(self._base)
            )

        linked = self._retried(self._address, names)
        found = [name for name in linked if self._is_glob or self._wanted(_name(name))]
        self.left_out = [_name(name) for name in sorted(set(linked) - set(found)) if not is_hidden(_name(name))]
        if not found:
            raise trouble.not_there(self._address, ": its page links to no table")
        return [self._asked("HEAD", name, self._file) for name in found]

    def version(self, file: File) -> str:
        now = self._asked("HEAD", self._url(file), self._file)
        if now[1:3] != file[1:3]:
            raise Changed(file.name)
        return f"{now.size} {now.state}"

    def read(self, file: File) -> Iterator[bytes]:
        url = self._url(file)
        answer = self._asked("GET", url, lambda answer, _: answer)
        try:
            if _state(answer) != file.state:
                raise Changed(file.name)
            while piece := self._run(url, answer.content.read(PIECE)):
                yield piece
        finally:
            answer.close()

    def _url(self, file: File) -> str:
        if not self.is_folder:
            return self._address
        return self._base + file.name

    def _asked(self, method: str, url: str, use: Callable[[aiohttp.ClientResponse, str], T]) -> T:
        return self._retried(url, lambda: self._once(method, url, use))

    def _once(self, method: str, url: str, use: Callable[[aiohttp.ClientResponse, str], T]) -> T:
        session = sync(self._fs.loop, self._fs.set_session)
        answer: aiohttp.ClientResponse = self._run(url, session.request(method, self._fs.encode_url(url)))
        if answer.status in (405, 501) and method == "HEAD":
            answer.close()
            answer = self._run(url, session.get(self._fs.encode_url(url)))
        try:
            self._check(answer, url)
            return use(answer, url)
        finally:
            if method == "HEAD":
                answer.close()

    def _run(self, url: str, awaited: Awaitable[T]) -> T:
        async def run() -> T:
            return await awaited

        try:
            result: T = sync(self._fs.loop, run)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._told(error, url) from error
        return result

    def _retried(self, url: str, ask: Callable[[], T]) -> T:
        """Asks up to three times. Raises UserError, and Retriable."""
        for left in reversed(range(TRIES)):
            try:
                try:
                    return ask()
                except (TimeoutError, aiohttp.ClientError, OSError) as error:
                    raise self._told(error, url) from error
            except Retriable as error:
                if not left:
                    raise
                say(f"{error.message}")
                time.sleep(TRIES - left)
        raise AssertionError

    def _check(self, answer: aiohttp.ClientResponse, url: str) -> None:
        shown = self._keys.hidden(url)
        if url.startswith("https:") and answer.url.scheme != "https":
            message = (
                f"{shown} redirects to {answer.url.scheme}, which anybody may change on its way; correct the address"
            )
            raise UserError("AddressRefused", message, trouble.URI)
        if answer.status in (401, 403):
            raise trouble.denied(shown, self._keys, "token, or username and password", f"{answer.status}")
        if answer.status in (404, 410):
            raise trouble.not_there(shown, f" ({answer.status})")
        if answer.status == 429 or answer.status >= 500:
            raise trouble.unreachable(shown, f"it answers {answer.status}")
        if answer.status != 200:
            raise UserError("SourceNotFound", f"{shown} answers {answer.status}; correct the address", trouble.URI)

    def _told(self, error: BaseException, url: str) -> UserError | Retriable:
        shown = self._keys.hidden(url)
        if self._refused:
            return self._refused.pop()
        if isinstance(error, FileNotFoundError):
            return trouble.not_there(shown)
        status = getattr(error, "status", None)
        if status in (401, 403):
            return trouble.denied(shown, self._keys, "token, or username and password", f"{status}")
        if refused := trouble.certificate(error):
            return trouble.not_trusted(shown, refused)
        if isinstance(error, aiohttp.InvalidURL):
            return UserError("SourceNotFound", f"{shown} is no address; correct it", trouble.URI)
        if isinstance(error, aiohttp.TooManyRedirects):
            return UserError("SourceNotFound", f"{shown} redirects without an end; correct the address", trouble.URI)
        said = f"{type(error).__name__}: {self._keys.hidden(str(error))[:200]}"
        return trouble.unreachable(shown, said)

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Makes the socket of a connection: of the first one and of those that redirects lead to."""
        try:
            guard.check(str(info[4][0]), self._keys.hidden(self._address))
        except UserError as error:
            self._refused[:] = [error]
            raise OSError("refused") from error
        made = socket.socket(info[0], info[1], info[2])
        made.setblocking(False)
        return made

    def _file(self, answer: aiohttp.ClientResponse, url: str) -> File:
        length = answer.headers.get("Content-Length")
        encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
        size = int(length) if length and not encoded and length.isdigit() else None
        name = url.removeprefix(self._base) if self.is_folder else _name(url)
        return File(name, size, _state(answer), _changed(answer))


def _state(answer: aiohttp.ClientResponse) -> str:
    """Returns the ETag, or else when it was changed. A weak ETag may stay while bytes change, so both count then."""
    etag, changed = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    return f"{etag} {changed}".strip() if etag.startswith("W/") else etag or changed


def _changed(answer: aiohttp.ClientResponse) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or "table"


def _authorization(keys: Keys) -> dict[str, str]:
    if token := keys.get("token"):
        return {"Authorization": f"Bearer {token}"}
    user, password = keys.together("username", "password")
    if user is None:
        return {}
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _context(keys: Keys) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if text := keys.get("ca.crt"):
        try:
            context.load_verify_locations(cadata=text)
        except ssl.SSLError as error:
            message = "the Secret's key ca.crt holds no certificate in PEM; write -----BEGIN CERTIFICATE----- and so on"
            raise UserError("KeyInvalid", message, FIELD) from error
    return context
