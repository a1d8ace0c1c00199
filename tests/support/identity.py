"""Tokens by which clients show the tracking server who they are, as the API server of a cluster gives them."""

from __future__ import annotations

from typing import Any

from modelyard_tracking.kubernetes import AUDIENCE
from tests.support.client import Client
from tests.support.scene import SYSTEM

OPERATOR = "modelyard-operator"


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
