"""The ASGI app before MLflow's own: it lets through what ``rules`` allow, rewritten so that it means just that."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from modelyard_tracking import pages
from modelyard_tracking.answers import Log, Refused, Send, send_empty, send_refusal
from modelyard_tracking.asked import Asked, Malformed, asked, document, is_loopback, token
from modelyard_tracking.identity import Identities, Unknown
from modelyard_tracking.kubernetes import Away
from modelyard_tracking.lookup import Lookup
from modelyard_tracking.rules import ARTIFACTS, OPEN, Allow, Find, Put, Refuse, Who, decide, has_body
from modelyard_tracking.uploads import Gone, Uploads, pieces

LARGEST_BODY = 1024 * 1024
PASSED_ON = (b"host", b"accept", b"accept-encoding", b"range", b"if-range", b"if-none-match", b"user-agent")
"""Headers that MLflow gets; others, such as the token, are for the guard alone."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    def __init__(self, app: App, identities: Identities, lookup: Lookup, uploads: Uploads) -> None:
        self._app, self._identities, self._lookup, self._uploads = app, identities, lookup, uploads
        self._log = Log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # People and the server's own pod, which Kubernetes has authorized; lifespan has no client.
        if scope["type"] == "lifespan" or is_loopback(scope.get("client")):
            await self._app(scope, receive, pages.shown(send) if pages.is_report(scope) else send)
        elif scope["type"] != "http":
            self._log.refusal(403, _peer(scope), scope["type"], "only HTTP is open")
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        who: Who | None = None
        try:
            request = asked(scope)
            who = await self._who(token(scope["headers"]), request)
            if who and has_body(request):
                data = await _body(receive)
                request = replace(request, body=document(scope["headers"], data))
            await self._do(await self._verdict(request, who), request, scope, receive, send)
        except Gone:
            return
        except (Refused, Malformed, Unknown, Away) as error:
            refused = _refused(error)
            what = f"{scope['method']} {scope['path']}"
            self._log.refusal(refused.status, who.name if who else _peer(scope), what, refused.why)
            await send_refusal(send, refused)

    async def _who(self, bearer: str | None, request: Asked) -> Who | None:
        is_open = request.method == "GET" and request.path in OPEN
        return None if bearer is None or is_open else await self._identities.of(bearer)

    async def _verdict(self, request: Asked, who: Who | None) -> Allow | Put:
        facts: dict[Find, Any] = {}
        while isinstance(verdict := decide(request, who, facts), Find):
            facts[verdict] = await self._lookup.find(verdict)
        if isinstance(verdict, Refuse):
            raise Refused(verdict.status, verdict.why)
        return verdict

    async def _do(self, verdict: Allow | Put, request: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(verdict, Put):
            await self._uploads.put(verdict.path, receive, verdict.replace, _length(scope))
            await send_empty(send)
            return
        body = b"" if request.body is None else json.dumps(request.body).encode()
        await self._app(_rewritten(scope, request, body), _with(body, receive), send)
        if request.method == "DELETE":
            self._uploads.deleted(request.path.removeprefix(f"{ARTIFACTS}/"))


def _rewritten(scope: Scope, request: Asked, body: bytes) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name.lower() in PASSED_ON]
    if request.body is not None:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    path = {"path": request.path, "raw_path": quote(request.path).encode()}
    return {**scope, **path, "query_string": urlencode(request.query).encode(), "headers": headers}


def _with(body: bytes, receive: Receive) -> Receive:
    """Returns a ``receive`` that has this body, instead of the client's, and then the end of the connection."""
    left: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def rest() -> Any:
        if left:
            return left.pop()
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    return rest


async def _body(receive: Receive) -> bytes:
    data = bytearray()
    async for piece, _ in pieces(receive):
        data += piece
        if len(data) > LARGEST_BODY:
            raise Refused(413, f"a JSON body has at most {LARGEST_BODY} bytes")
    return bytes(data)


def _refused(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, Malformed):
        return Refused(400, str(error))
    if isinstance(error, Unknown):
        return Refused(401, str(error))
    return Refused(503, f"tokens can't be checked now: {error}")


def _length(scope: Scope) -> int | None:
    values = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else None


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("unknown",))[0])
