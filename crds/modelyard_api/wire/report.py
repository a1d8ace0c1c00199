"""What a report may do in a browser: the page says it of itself, and the tracking server says it of whatever claims to
be a report, since a pod may write any bytes."""

from __future__ import annotations

import base64
import hashlib

SCRIPT = "'sha256-NJTI4klEjnYaEqaLQOM+V8QR5e328nMbPmuBulCgYAk='"
"""The script of the page, the only one that may run. It sorts and filters; all else works without it."""


def hashed(source: str) -> str:
    """Returns the name of an inline script or style in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def policy(style: str) -> str:
    """Returns the Content-Security-Policy of a page with these styles: it asks nobody for anything."""
    return f"default-src 'none'; style-src {style}; script-src {SCRIPT}; base-uri 'none'; form-action 'none'"
