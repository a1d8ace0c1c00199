"""Made-up tokens, in the form of the API server's."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

OPERATOR = "system:serviceaccount:modelyard-system:modelyard-operator"


def made(user: str = "system:serviceaccount:team:default", pod: str = "p", seconds: float = 600, **claims: Any) -> str:
    """Returns a token with these claims and no signature."""
    body = {"aud": ["modelyard"], "exp": time.time() + seconds, "user": user, "pod": pod, **claims}
    return f"e30.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.sig"


def claims_of(token: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")))
