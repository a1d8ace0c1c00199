"""Whose token it is: checked by the API server, and remembered for a minute."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections import OrderedDict
from typing import Any, Protocol

from modelyard_api.wire.identity import AUDIENCE
from modelyard_api.wire.rights import rights_of
from modelyard_tracking.rules import Who

POD_SECONDS, OPERATOR_SECONDS, REFUSED_SECONDS = 60.0, 300.0, 10.0
"""For how long an answer is remembered. A pod's rights end so long after the pod at the latest."""
REMEMBERED = 4096
AT_ONCE = 8
"""Most tokens that are reviewed at once, so that made-up ones don't flood the API server."""
LONGEST = 8192
_ACCOUNT = "system:serviceaccount:"
_POD = "authentication.kubernetes.io/pod-"


class Unknown(Exception):
    """The token is not that of a living pod; the message says why."""


class Api(Protocol):
    async def review(self, token: str) -> dict[str, Any]: ...

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None: ...


class Identities:
    """Fifty clients that come with one token at once cause one review. Only digests of tokens are kept."""

    def __init__(self, api: Api, operator: str) -> None:
        self._api, self._operator = api, operator
        self._known: OrderedDict[bytes, tuple[float, Who | Unknown]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Who | Unknown]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def of(self, token: str) -> Who:
        """Raises Unknown, or Away if the API server can't be asked."""
        expires = _expires(token)
        key = hashlib.sha256(token.encode()).digest()
        until, who = self._known.get(key, (0.0, None))
        if who is None or until <= time.time():
            if (asking := self._asking.get(key)) is None:
                asking = self._asking[key] = asyncio.create_task(self._ask(key, token, expires))
                asking.add_done_callback(lambda _: self._asking.pop(key, None))
            # A client that goes away must not take the answer from the others.
            who = await asyncio.shield(asking)
        if isinstance(who, Unknown):
            raise Unknown(str(who))
        return who

    async def _ask(self, key: bytes, token: str, expires: float) -> Who | Unknown:
        who: Who | Unknown
        try:
            async with self._turn:
                who = await self._identify(token)
            kept = OPERATOR_SECONDS if who.is_operator else POD_SECONDS
        except Unknown as unknown:
            who, kept = unknown, REFUSED_SECONDS
        self._known[key] = (min(time.time() + kept, expires), who)
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return who

    async def _identify(self, token: str) -> Who:
        status = await self._api.review(token)
        user = status.get("user") or {}
        name = str(user.get("username", ""))
        if not status.get("authenticated") or AUDIENCE not in (status.get("audiences") or ()):
            raise Unknown("the API server doesn't accept the token for the audience modelyard")
        if name == self._operator:
            return Who("the operator", is_operator=True)
        extra = user.get("extra") or {}
        pod, uid = ((extra.get(f"{_POD}{key}") or [""])[0] for key in ("name", "uid"))
        if not name.startswith(_ACCOUNT) or not pod or not uid:
            raise Unknown("the token is not bound to a pod")
        namespace = name.removeprefix(_ACCOUNT).partition(":")[0]
        return await self._alive(namespace, str(pod), str(uid))

    async def _alive(self, namespace: str, name: str, uid: str) -> Who:
        pod = await self._api.pod(namespace, name)
        if pod is None or pod["metadata"]["uid"] != uid:
            raise Unknown(f"the pod {namespace}/{name} of the token is gone")
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            raise Unknown(f"the pod {namespace}/{name} of the token has ended")
        return Who(f"pod {namespace}/{name}", rights_of(namespace, pod["metadata"].get("annotations") or {}))


def _expires(token: str) -> float:
    """Returns when a token says that it ends. Raises Unknown if it can't be one of ours; the API server judges the
    rest."""
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        audiences, expires = claims["aud"], float(claims["exp"])
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        raise Unknown("the token is no token of a service account") from None
    if AUDIENCE not in audiences:
        raise Unknown("the token is for another audience than modelyard")
    if expires <= time.time():
        raise Unknown("the token has expired; read the file anew at each request")
    return expires
