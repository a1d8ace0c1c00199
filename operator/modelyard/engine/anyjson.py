"""Any JSON that the API server takes: 10,000 lists in each other and numbers of 300 digits, where libraries give up.

One such object of somebody's must not end the operator for all others. What is too deep is cut where nothing sensible
is lost (that it is too deep at all is for its kind to say); a great number is the float that the API server made of it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import orjson

LEVELS = 100


def allow_depth() -> None:
    """Let the standard library read 10,000 levels, and ours walk through them."""
    sys.setrecursionlimit(50_000)


def loads(text: bytes) -> Any:
    """The document, as ``plain`` where it has to be. Raises ValueError for what is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return plain(json.loads(text))
        except RecursionError as error:
            raise ValueError("too many levels of lists and maps") from error


def plain(value: Any, levels: int = LEVELS) -> Any:
    """A copy that orjson writes: lists and maps below that many levels are None, numbers over 64 bits are floats."""
    match value:
        case dict():
            return {key: plain(item, levels - 1) for key, item in value.items()} if levels else None
        case list():
            return [plain(item, levels - 1) for item in value] if levels else None
        case int() if not -(2**63) <= value < 2**64:
            return float(value)
    return value
