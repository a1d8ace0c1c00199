"""Reads any JSON that the API server accepts: 10,000 nested lists, or numbers of 300 digits, where libraries fail.

One such object must not stop the operator for all others. Nesting is cut at ``LEVELS``, below which nothing sensible is
lost; rejecting such an object is left to its kind. An integer over 64 bits becomes a float, as in the API server.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import orjson

LEVELS = 100


def allow_depth() -> None:
    """Raises the recursion limit, so that the standard library can parse 10,000 levels and ``plain`` can walk them."""
    sys.setrecursionlimit(50_000)


def loads(text: bytes) -> Any:
    """Parses the text, with ``plain`` applied if orjson can't. Raises ValueError if it is not JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return plain(json.loads(text))
        except RecursionError as error:
            raise ValueError("too many levels of lists and maps") from error


def plain(value: Any, levels: int = LEVELS) -> Any:
    """Returns a copy that orjson can write: deeper lists and maps become None, integers over 64 bits floats."""
    match value:
        case dict():
            return {key: plain(item, levels - 1) for key, item in value.items()} if levels else None
        case list():
            return [plain(item, levels - 1) for item in value] if levels else None
        case int() if not -(2**63) <= value < 2**64:
            return float(value)
    return value
