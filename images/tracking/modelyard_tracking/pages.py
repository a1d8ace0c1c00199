"""Has a browser show the report of a version, which MLflow would have it keep as a file.

A pod may write any bytes as a report. So the page gets an origin of its own, which nothing else has: no script of it
reads or calls MLflow with the rights of who looks at it, and only the report's own script runs at all.
"""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import REPORT_HTML
from modelyard_api.wire.report import policy
from modelyard_api.wire.rights import ROOT
from modelyard_tracking.answers import Send
from modelyard_tracking.rules import ARTIFACTS

ANY_STYLE = "'unsafe-inline'"
HEADERS = {
    b"content-type": b"text/html; charset=utf-8",
    b"content-disposition": b"inline",
    b"content-security-policy": f"sandbox allow-scripts; {policy(ANY_STYLE)}; frame-ancestors 'none'".encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


def is_report(scope: Any) -> bool:
    """Whether a browser asks for the report of a version."""
    path = str(scope.get("path", ""))
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and path.startswith(f"{ARTIFACTS}/{ROOT}/")
        and path.endswith(f"/{REPORT_HTML}")
    )


def shown(send: Send) -> Send:
    """Returns a ``send`` that answers with HEADERS instead of MLflow's own, unless there is no report."""

    async def with_headers(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            others = [(name, value) for name, value in message["headers"] if name.lower() not in HEADERS]
            message = {**message, "headers": [*others, *HEADERS.items()]}
        await send(message)

    return with_headers
