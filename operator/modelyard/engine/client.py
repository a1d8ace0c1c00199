"""Sends every request to the API server, with objects as plain dicts and all error handling in one place.

A request that was throttled, cut off or answered with a server error is retried here a few times; any other failure is
an ``ApiError``. Writes can be retried safely because they carry a uid or a resourceVersion, are server-side applies, or
are creates of an object whose owner can be checked afterwards.
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
from modelyard.engine.ownership import FIELD_MANAGER
from modelyard.engine.resource import Object, Resource
from modelyard_api.wire.redact import redacted

ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 4, 0.25, 5.0
WATCH_SECONDS = 290
"""The API server ends a watch after this time."""
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_APPLY = "application/apply-patch+yaml"
_UNSAFE_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON strings may hold unescaped, but that YAML forbids or reads as line breaks."""
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"

log = logging.getLogger(__name__)


class ApiError(Exception):
    """The API server answered with a status other than 2xx, or not at all.

    Without an answer ``code`` is 0 and ``reason`` is ``Unreachable``. ``retry_after`` is in seconds. The message may be
    another's, as of a webhook that refuses an object, so it is cleaned.
    """

    def __init__(self, code: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        message = redacted(message)
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message, self.retry_after = code, reason, message, retry_after

    @property
    def namespace_is_terminating(self) -> bool:
        return self.code == 403 and "because it is being terminated" in self.message


@dataclass(frozen=True, slots=True)
class Request:
    verb: str
    """The verb as in RBAC (list, watch, get, create, patch, delete), or apply."""
    resource: str
    """The plural with the subresource, if any: ``jobs``, ``trainingruns/status``."""
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Object | None = None
    content_type: str = "application/json"


Count = Callable[[Request, int], None]
"""Called with the HTTP status of each attempt, 0 if there was no answer."""


async def configuration() -> Any:
    """Returns the API server's address and our credentials: the pod's service account, else the kubeconfig."""
    loaded = Configuration()
    if _in_pod():
        config.load_incluster_config(client_configuration=loaded)
    else:
        # Pass the variable's current value: the client library read it when it was imported.
        await config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=loaded)
    return loaded


def _in_pod() -> bool:
    return os.path.exists(_TOKEN) and "KUBERNETES_SERVICE_HOST" in os.environ


def open_session(
    configuration: Any, connections: int, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
) -> aiohttp.ClientSession:
    """Opens an aiohttp session with at most that many connections (0 for any number).

    With the client library's own session a request costs twice the CPU time: it looks for a .netrc in a thread, and
    copies the body before it writes it as JSON.
    """
    tls = official.ApiClient(configuration).rest_client.ssl_context
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=connections),
        proxy=configuration.proxy,
        # aiohttp reads the environment for each request, so it does only if a proxy is set there.
        trust_env=bool(getproxies()),
        middlewares=middlewares,
    )


async def authorization(configuration: Any) -> dict[str, str]:
    """Returns the Authorization header with a fresh token; empty if a client certificate identifies us."""
    token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return {"Authorization": token} if token else {}


class ApiClient:
    """Sends requests to the API server.

    ``may_write`` is called before every write: a process that was suspended for a while may have lost the lease, and
    must notice that before it acts on an old view.
    """

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
        """Returns the object, or None if it doesn't exist. Raises ApiError."""
        try:
            return await self._send(Request("get", resource.plural, "GET", resource.path(namespace, name)))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def discovered(self, group: str, version: str) -> set[str]:
        """Returns the plurals that discovery names in this API group. It may lag behind what is served."""
        try:
            groups = await self._send(Request("get", "discovery", "GET", "/apis"))
            if group not in (item["name"] for item in groups["groups"]):
                return set()
            resources = await self._send(Request("get", "discovery", "GET", f"/apis/{group}/{version}"))
        except ApiError as error:
            if error.code == 404:
                return set()
            raise
        return {item["name"] for item in resources["resources"]}

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        selector: str = "",
        size: int = 250,
        fields: str = "",
    ) -> AsyncIterator[Object]:
        """Yields the pages of one consistent list, of objects that match the selectors of labels and fields.

        Raises ApiError 410 if it took too long and must start over.
        """
        token = ""
        while True:
            query = {"limit": str(size), "labelSelector": selector, "fieldSelector": fields, "continue": token}
            sent = tuple((key, value) for key, value in query.items() if value)
            page = await self._send(Request("list", resource.plural, "GET", resource.path(namespace), sent))
            yield page
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def watch(
        self, resource: Resource, namespace: str | None, selector: str, version: int, silence: float
    ) -> AsyncIterator[Object]:
        """Yields the events after that version, with bookmarks, until the API server ends the watch.

        Raises ApiError with code 0 if the connection is cut or nothing came for ``silence`` seconds. Any other code
        comes from the API server, as the HTTP status or in an event of type ERROR.
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
                    await asyncio.sleep(0)  # let other tasks run before the next buffered chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(request, error) from error
        finally:
            if self._count:
                self._count(request, code)

    # --- writes -------------------------------------------------------------------------------------------------

    async def apply(self, resource: Resource, manifest: Object, strict: bool = False) -> Object:
        """Does a server-side apply that takes over the manifest's fields from any other manager.

        With ``strict`` a field that the kind doesn't have is an error, and otherwise it is dropped.
        """
        meta = manifest["metadata"]
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        query: tuple[tuple[str, str], ...] = (("fieldManager", FIELD_MANAGER), ("force", "true"))
        if strict:
            query = (*query, ("fieldValidation", "Strict"))
        path = resource.path(meta["namespace"], meta["name"])
        return await self._send(Request("apply", resource.plural, "PATCH", path, query, body, _APPLY))

    async def create(self, resource: Resource, manifest: Object) -> Object:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._send(
            Request("create", resource.plural, "POST", path, (("fieldManager", FIELD_MANAGER),), body)
        )

    async def review(self, resource: Resource, spec: Object) -> Object:
        """Has the API server review a token or an access, of which nothing is stored. Returns the verdict."""
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
        answer = await self._send(Request("create", resource.plural, "POST", resource.path(), (), body))
        return dict(answer.get("status") or {})

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Object, subresource: str | None = None
    ) -> Object:
        """Sends a JSON merge-patch. Without metadata.uid or metadata.resourceVersion in ``body`` it never conflicts."""
        path = resource.path(namespace, name, subresource)
        query = (("fieldManager", FIELD_MANAGER),)
        target = f"{resource.plural}/{subresource}" if subresource else resource.plural
        return await self._send(Request("patch", target, "PATCH", path, query, body, "application/merge-patch+json"))

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> Object | None:
        """Deletes the object if it has this uid. Returns it while its deletion is pending, None when it is gone."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            answer = await self._send(
                Request("delete", resource.plural, "DELETE", resource.path(namespace, name), (), body)
            )
        except ApiError as error:
            # 409: the object of that name has another uid.
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
                transient = error.code in (0, 429) or error.code >= 500
                # Leave a long Retry-After to the queue, so that it doesn't block a worker.
                if not transient or attempt == ATTEMPTS or error.retry_after > LONGEST_PAUSE:
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
            data=None if request.body is None else _serialized(request.body, request.content_type),
            headers=headers | await authorization(self._configuration),
            timeout=limits,
        )


def _unreachable(request: Request, error: Exception) -> ApiError:
    text = str(error) or type(error).__name__
    return ApiError(0, "Unreachable", f"{request.method} {request.path}: {text}")


def _event(line: bytes) -> Object:
    """Parses one line of a watch. Raises ApiError for an ERROR event, ClientPayloadError if it is no event."""
    try:
        event = anyjson.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, TypeError, KeyError) as error:
        raise aiohttp.ClientPayloadError(f"not an event: {line[:100]!r}") from error
    if kind == "ERROR":
        raise ApiError(int(obj.get("code") or 500), obj.get("reason") or "Unknown", obj.get("message") or "")
    return dict(event)


def _serialized(body: Object, content_type: str) -> bytes:
    """Serializes the body as JSON. An apply is read as YAML, so characters that YAML can't hold are escaped."""
    data = orjson.dumps(body)
    if content_type != _APPLY:
        return data
    return _UNSAFE_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", data.decode()).encode()


def _parse(code: int, text: bytes, retry_after: str) -> Object:
    """Returns the answer's JSON object. Raises ApiError for a status other than 2xx, or as 502 if a 2xx isn't one."""
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
