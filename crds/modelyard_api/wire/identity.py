"""How a pod tells the tracking server who it is: by a token of its service account that is bound to the pod."""

from __future__ import annotations

from pathlib import Path

AUDIENCE = "modelyard"
"""Whom the tokens are for: the API server of Kubernetes refuses them."""
IDENTITY_FOLDER, TOKEN = "/modelyard/identity", "token"
TOKEN_FILE = f"{IDENTITY_FOLDER}/{TOKEN}"
OPERATOR_TOKEN_FILE = "/var/run/secrets/modelyard/token"
TOKEN_SECONDS = 600
"""How long a token is valid: the shortest that Kubernetes gives. The kubelet replaces it earlier."""
READS = "modelyard.dev/reads"
"""Annotation of pods that serve: the URIs, separated by spaces, at or below which they may read. A task says it of the
pods that have one."""


def authorization(token: Path | None) -> dict[str, str]:
    """Returns the header with the token in this file, none if there is no file: outside a cluster nobody asks for it.

    It is read for each request, since the kubelet replaces it.
    """
    if token is None:
        return {}
    try:
        return {"Authorization": f"Bearer {token.read_text().strip()}"}
    except FileNotFoundError:
        return {}
