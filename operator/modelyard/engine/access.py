"""Asks the API server whether a client may read a path, as kube-rbac-proxy does: who it is, and what its roles say."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.resource import ACCESS_REVIEWS, TOKEN_REVIEWS, Object

KEPT_SECONDS, MOST_KEPT = 120.0, 256
"""How long, and of how many tokens, a verdict is kept: a scraper comes every few seconds."""
_USER = ("username", "uid", "groups", "extra")
_NAMES = {"username": "user"}

log = logging.getLogger(__name__)


class Unknown(Exception):
    """The API server can't say now."""


class Access:
    """Says who may ``get`` one non-resource path of this process."""

    def __init__(self, client: ApiClient, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._path, self._clock = client, path, clock
        self._verdicts: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        # One review at a time: a flood of tokens costs the API server no more than that.
        self._asking = asyncio.Lock()

    async def code(self, token: str) -> int:
        """Returns 200, 401 for a token that the API server doesn't know, or 403. Raises Unknown."""
        key = hashlib.sha256(token.encode()).digest()
        async with self._asking:
            until, code = self._verdicts.get(key, (0.0, 0))
            if until > self._clock():
                return code
            try:
                code = await self._reviewed(token)
            except ApiError as error:
                log.warning("can't ask who reads %s: %s", self._path, error)
                raise Unknown(str(error)) from error
            self._verdicts[key] = self._clock() + KEPT_SECONDS, code
            self._verdicts.move_to_end(key)
            if len(self._verdicts) > MOST_KEPT:
                self._verdicts.popitem(last=False)
            return code

    async def _reviewed(self, token: str) -> int:
        identity = await self._client.review(TOKEN_REVIEWS, {"token": token})
        if not identity.get("authenticated"):
            return 401
        user: Object = identity.get("user") or {}
        who = {_NAMES.get(name, name): user[name] for name in _USER if user.get(name)}
        asked = {**who, "nonResourceAttributes": {"path": self._path, "verb": "get"}}
        verdict = await self._client.review(ACCESS_REVIEWS, asked)
        return 200 if verdict.get("allowed") else 403
