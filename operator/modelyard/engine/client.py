"""Every request to the API server, as plain dicts, with all the answers that are not a plain yes handled in one place.

What may be sent again safely is sent again here, a few times (throttled, server errors, cut connections); everything
else is an ``ApiError``. Writes are safe to send again because they carry a uid or a resourceVersion, are server-side
applies, or are creates of a name that says whose it is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies

import aiohttp
import orjson
from kubernetes.aio import client as official
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from modelyard.engine import anyjson
from modelyard.engine.resource import Object, Resource

FIELD_MANAGER = "modelyard"
ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 4, 0.25, 5.0
WATCH_SECONDS = 290
"""After which the API server ends a watch by itself."""
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_APPLY = "application/apply-patch+yaml"
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON strings may hold as it is and YAML's may not, or would read as the end of a line."""
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer other than 2xx, or none: then ``code`` is 0 and ``reason`` is ``Unreachable``."""

    def __init__(self, code: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message, self.retry_after = code, reason, message, retry_after

    @property
    def namespace_is_terminating(self) -> bool:
        return self.code == 403 and "because it is being terminated" in self.message


@dataclass(frozen=True, slots=True)
class Request:
    verb: str
    """As in RBAC: list, watch, get, create, patch, delete; and apply."""
    resource: str
    """The plural, and the subresource where there is one: ``jobs``, ``trainingruns/status``."""
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Object | None = None
    content_type: str = "application/json"


Count = Callable[[Request, int], None]
"""Called with the HTTP code (0: no answer) of each attempt."""


async def configuration() -> Any:
    """Where the API server is and who we are: the pod's service account, else the kubeconfig."""
    found = Configuration()
    if _in_pod():
        config.load_incluster_config(client_configuration=found)
    else:
        # The client has read the variable when it was imported, whatever it is now.
        await config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=found)
    return found


def _in_pod() -> bool:
    return os.path.exists(_TOKEN) and "KUBERNETES_SERVICE_HOST" in os.environ


def open_session(
    configuration: Any, connections: int, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
) -> aiohttp.ClientSession:
    """A session of our own: with the client's, each request costs twice the CPU time (it looks for a .netrc in a
    thread, and copies the body before it is written as JSON). ``connections``: how many at most, 0 for any number."""
    tls = official.ApiClient(configuration).rest_client.ssl_context
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=connections),
        proxy=configuration.proxy,
        # Its environment says which proxy to use; only then is it worth the look.
        trust_env=bool(getproxies()),
        middlewares=middlewares,
    )


async def authorization(configuration: Any) -> dict[str, str]:
    """The header that says who we are, with a token that is fresh; none where the certificate says it."""
    token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return {"Authorization": token} if token else {}


class ApiClient:
    """``may_write`` is asked before every write is sent: a process that was stopped for a while must find out that
    it leads no more before it acts on what it knew."""

    def __init__(
        self,
        configuration: Any,
        count: Count | None = None,
        writers: int = 8,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._configuration, self._may_write = configuration, may_write
        self._session: aiohttp.ClientSession | None = None
        self._count = count
        self._writing = asyncio.Semaphore(writers)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    # --- reads --------------------------------------------------------------------------------------------------

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        try:
            return await self._send(Request("get", resource.plural, "GET", resource.path(namespace, name)))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def discovered(self, group: str, version: str) -> set[str]:
        """The plurals of this API group that discovery names, which may lag behind what is served."""
        try:
            groups = await self._send(Request("get", "discovery", "GET", "/apis"))
            if group not in (one["name"] for one in groups["groups"]):
                return set()
            found = await self._send(Request("get", "discovery", "GET", f"/apis/{group}/{version}"))
        except ApiError as error:
            if error.code == 404:
                return set()
            raise
        return {one["name"] for one in found["resources"]}

    async def pages(
        self, resource: Resource, namespace: str | None = None, selector: str = "", size: int = 250
    ) -> AsyncIterator[Object]:
        """The pages of one consistent list. ApiError 410: it took too long, start again from nothing."""
        token = ""
        while True:
            query = {"limit": str(size), "labelSelector": selector, "continue": token}
            sent = tuple((key, value) for key, value in query.items() if value)
            page = await self._send(Request("list", resource.plural, "GET", resource.path(namespace), sent))
            yield page
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def watch(
        self, resource: Resource, namespace: str | None, selector: str, version: int, silence: float
    ) -> AsyncIterator[Object]:
        """Events after that version, as they come, bookmarks among them; ends when the API server ends it.

        ApiError 0 when it is cut, or when nothing came for ``silence`` seconds; another code is the API server's word,
        as an answer or as an event of type ERROR.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        query |= {"resourceVersion": str(version)} | ({"labelSelector": selector} if selector else {})
        request = Request("watch", resource.plural, "GET", resource.path(namespace), tuple(query.items()))
        limits, code, rest = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=silence), 0, b""
        try:
            async with await self._open(request, limits) as answer:
                code = answer.status
                if code != 200:
                    _parse(code, await answer.read(), answer.headers.get("Retry-After", ""))
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield _event(line)
                    await asyncio.sleep(0)  # what was buffered would else come before all other work
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(request, error) from error
        finally:
            if self._count:
                self._count(request, code)

    # --- writes -------------------------------------------------------------------------------------------------

    async def apply(self, resource: Resource, manifest: Object) -> Object:
        """Server-side apply, taking over the fields of the manifest from any other manager."""
        meta = manifest["metadata"]
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        query = (("fieldManager", FIELD_MANAGER), ("force", "true"))
        path = resource.path(meta["namespace"], meta["name"])
        return await self._send(Request("apply", resource.plural, "PATCH", path, query, body, _APPLY))

    async def create(self, resource: Resource, manifest: Object) -> Object:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._send(
            Request("create", resource.plural, "POST", path, (("fieldManager", FIELD_MANAGER),), body)
        )

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Object, subresource: str | None = None
    ) -> Object:
        """JSON merge-patch; ``body`` should hold metadata.uid or metadata.resourceVersion (else 409 is never said)."""
        path = resource.path(namespace, name, subresource)
        query = (("fieldManager", FIELD_MANAGER),)
        name_of = f"{resource.plural}/{subresource}" if subresource else resource.plural
        return await self._send(Request("patch", name_of, "PATCH", path, query, body, "application/merge-patch+json"))

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> Object | None:
        """Delete the object of this uid only. The answer is the object while it still ends, None when it is gone."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            answer = await self._send(
                Request("delete", resource.plural, "DELETE", resource.path(namespace, name), (), body)
            )
        except ApiError as error:
            # 409: there is one of that name, but of another uid.
            if error.code == 404 or (error.code == 409 and "UID in precondition" in error.message):
                return None
            raise
        return answer if answer.get("metadata", {}).get("deletionTimestamp") else None

    # --- one request --------------------------------------------------------------------------------------------

    async def _send(self, request: Request) -> Object:
        if request.method == "GET":
            return await self._attempts(request)
        async with self._writing:
            return await self._attempts(request)

    async def _attempts(self, request: Request) -> Object:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(request)
            except ApiError as error:
                passing = error.code in (0, 429) or error.code >= 500
                # A long Retry-After is for the queue, so that a worker doesn't stand still that long.
                if not passing or attempt == ATTEMPTS or error.retry_after > LONGEST_PAUSE:
                    raise
                wait = max(error.retry_after, pause * (0.5 + random.random()))
                log.info("%s %s: %s; again in %.1f s", request.verb, request.path, error, wait)
            await asyncio.sleep(wait)
            pause *= 3
        raise AssertionError("unreachable")

    async def _attempt(self, request: Request) -> Object:
        code = 0
        if request.method != "GET" and not self._may_write():
            raise ApiError(0, "NotLeading", f"{request.verb} {request.path}: the lease was not renewed in time")
        try:
            code, text, retry_after = await self._exchange(request)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(request, error) from error
        finally:
            if self._count:
                self._count(request, code)
        return _parse(code, text, retry_after)

    async def _exchange(self, request: Request) -> tuple[int, bytes, str]:
        async with await self._open(request, _TIMEOUT) as answer:
            return answer.status, await answer.read(), answer.headers.get("Retry-After", "")

    async def _open(self, request: Request, limits: aiohttp.ClientTimeout) -> Any:
        if self._session is None:
            self._session = open_session(self._configuration, connections=100)
        headers = {"Accept": "application/json", "Content-Type": request.content_type}
        return self._session.request(
            request.method,
            self._configuration.host + request.path,
            params=request.query,
            data=None if request.body is None else _written(request.body, request.content_type),
            headers=headers | await authorization(self._configuration),
            timeout=limits,
        )


def _unreachable(request: Request, error: Exception) -> ApiError:
    what = str(error) or type(error).__name__
    return ApiError(0, "Unreachable", f"{request.method} {request.path}: {what}")


def _event(line: bytes) -> Object:
    """Raises ApiError for one that says that the watch ends, and ClientPayloadError for what is no event."""
    try:
        event = anyjson.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, TypeError, KeyError) as error:
        raise aiohttp.ClientPayloadError(f"not an event: {line[:100]!r}") from error
    if kind == "ERROR":
        raise ApiError(int(obj.get("code") or 500), obj.get("reason") or "Unknown", obj.get("message") or "")
    return dict(event)


def _written(body: Object, content_type: str) -> bytes:
    """As JSON; where it is read as YAML, in the part of JSON that is YAML too."""
    data = orjson.dumps(body)
    if content_type != _APPLY:
        return data
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode()


def _parse(code: int, text: bytes, retry_after: str) -> Object:
    try:
        answer = anyjson.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {"reason": "NotJSON", "message": text[:200].decode(errors="replace")}
        code = 502 if 200 <= code < 300 else code
    if 200 <= code < 300:
        return answer
    wait = float(retry_after) if retry_after.isdigit() else 0.0
    raise ApiError(code, answer.get("reason") or "Unknown", answer.get("message") or "", wait)
