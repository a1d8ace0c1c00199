"""Tokens by which clients show the tracking server who they are, as the API server of a cluster gives them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

from modelyard_api.wire.identity import AUDIENCE
from tests.support.client import Client
from tests.support.scene import SYSTEM

OPERATOR = "modelyard-operator"
KEPT = 300.0
"""Seconds for which a token of ten minutes is used."""


def token(client: Client, namespace: str, account: str, pod: Any = None, audience: str = AUDIENCE) -> str:
    """Returns a token of a service account, bound to a pod if one is given. Without an audience it is for the API
    server."""
    spec: dict[str, Any] = {"audiences": [audience] if audience else [], "expirationSeconds": 600}
    if pod is not None:
        metadata = pod["metadata"]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    return str(client.must("POST", path, request)["status"]["token"])


def operators_token(client: Client) -> str:
    return token(client, SYSTEM, OPERATOR)


def operators_token_file(client: Client) -> Path:
    """Returns what clients read for each request as they read the operator's file: a token that is valid then."""
    return cast(Path, _Fresh(client))


class _Fresh:
    def __init__(self, client: Client) -> None:
        self._client, self._until, self._text = client, 0.0, ""

    def read_text(self) -> str:
        if time.monotonic() > self._until:
            self._text, self._until = operators_token(self._client), time.monotonic() + KEPT
        return self._text
