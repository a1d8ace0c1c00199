"""What a request asks for, read strictly: a request that could mean two things is malformed. Pure functions."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Headers = Iterable[tuple[bytes, bytes]]
OVERRIDES = (b"x-http-method-override", b"x-http-method", b"x-method-override")


class Malformed(Exception):
    """The request is not read at all; the message says why."""


@dataclass(frozen=True)
class Asked:
    """``path`` is decoded, and holds no percent sign; MLflow gets exactly what is read here."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


def is_loopback(client: Any) -> bool:
    """Whether the peer of the connection is in the server's own pod: a port-forward, or a proxy beside it."""
    try:
        address = ipaddress.ip_address(client[0])
    except (TypeError, ValueError, IndexError):
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def asked(scope: Mapping[str, Any]) -> Asked:
    """Returns the request of an ASGI scope, without its body. Raises Malformed."""
    for name, _ in scope["headers"]:
        if name.lower() in OVERRIDES:
            raise Malformed(f"the header {name.decode('latin-1')} is not allowed")
    raw = scope.get("raw_path")
    try:
        path = unquote((raw if raw is not None else scope["path"].encode()).decode("ascii"), errors="strict")
    except UnicodeError:
        raise Malformed("the path is no UTF-8") from None
    if "%" in path or not path.startswith("/"):
        raise Malformed("the path is encoded twice, or doesn't begin with a slash")
    return Asked(scope["method"], path, _query(scope.get("query_string", b"")))


def token(headers: Headers) -> str | None:
    """Returns the bearer token, or None if no header of that kind is there. Raises Malformed."""
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        return None
    kind, _, rest = values[0].decode("latin-1").partition(" ")
    if len(values) > 1 or kind.lower() != "bearer" or not rest.isascii():
        raise Malformed("one header 'Authorization: Bearer <token>' is allowed")
    return rest.strip()


def document(headers: Headers, data: bytes) -> dict[str, Any]:
    """Returns the JSON object of a body. Raises Malformed: MLflow's own parser is more lenient."""
    types = [value for name, value in headers if name.lower() == b"content-type"]
    if len(types) != 1 or types[0].partition(b";")[0].strip().lower() != b"application/json":
        raise Malformed("the body must be JSON, with 'Content-Type: application/json'")
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is no JSON: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise Malformed("the body must be a JSON object")
    return value


def _query(text: bytes) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.decode("ascii"), True, True, errors="strict", max_num_fields=8)
    except ValueError:
        raise Malformed("the query can't be read") from None
    if len(dict(pairs)) != len(pairs):
        raise Malformed("a query parameter is given twice")
    return dict(pairs)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not allowed")
