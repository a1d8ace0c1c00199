"""Checks how requests are read: what could mean two things is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_tracking.asked import Asked, Malformed, asked, document, is_loopback, token

JSON = [(b"content-type", b"application/json")]


def scope(raw: bytes, query: bytes = b"", headers: Any = (), method: str = "GET") -> dict[str, Any]:
    return {"method": method, "raw_path": raw, "path": "/never/read", "query_string": query, "headers": headers}


@pytest.mark.parametrize(
    ("client", "loopback"),
    [
        (("127.0.0.1", 1), True),
        (("127.9.9.9", 1), True),
        (("::1", 1), True),
        (("::ffff:127.0.0.1", 1), True),
        (("10.244.1.7", 1), False),
        (("::ffff:10.244.1.7", 1), False),
        (("fe80::1", 1), False),
        (("localhost", 1), False),
        (("", 1), False),
        ((), False),
        (None, False),
    ],
)
def test_who_is_in_the_pod(client: Any, loopback: bool) -> None:
    assert is_loopback(client) is loopback


def test_a_path_is_decoded_once() -> None:
    assert asked(scope(b"/a/%41%2Fb", b"x=1%202&y=")) == Asked("GET", "/a/A/b", {"x": "1 2", "y": ""})


@pytest.mark.parametrize("raw", [b"/a%252e", b"/a%", b"a", b"http://x/a", b"*", b"/a%ff", b"/\xe4"])
def test_paths_that_are_not_read(raw: bytes) -> None:
    with pytest.raises(Malformed):
        asked(scope(raw))


@pytest.mark.parametrize("query", [b"a=1&a=1", b"a", b"a=%ff", b"=&=", b"&".join(b"a%d=1" % n for n in range(9))])
def test_queries_that_are_not_read(query: bytes) -> None:
    with pytest.raises(Malformed):
        asked(scope(b"/a", query))


@pytest.mark.parametrize("name", [b"X-HTTP-Method-Override", b"x-http-method", b"X-Method-Override"])
def test_no_header_overrides_the_method(name: bytes) -> None:
    with pytest.raises(Malformed, match="not allowed"):
        asked(scope(b"/a", headers=[(name, b"DELETE")]))


@pytest.mark.parametrize(
    ("headers", "value"),
    [([], None), ([(b"Authorization", b"Bearer a.b.c")], "a.b.c"), ([(b"authorization", b"bearer  a ")], "a")],
)
def test_the_token(headers: Any, value: str | None) -> None:
    assert token(headers) == value


@pytest.mark.parametrize(
    "values", [[b"Bearer a", b"Bearer a"], [b"Basic YTpi"], [b""], [b"Bearer \xe4"], [b"a.b.c"], [b"Negotiate x"]]
)
def test_no_other_authorization(values: list[bytes]) -> None:
    with pytest.raises(Malformed):
        token([(b"authorization", value) for value in values])


def test_a_json_object_is_read() -> None:
    assert document([(b"Content-Type", b"Application/JSON; charset=utf-8")], b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"{}"',
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_bodies_that_are_not_read(data: bytes) -> None:
    with pytest.raises(Malformed):
        document(JSON, data)


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"text/plain")], JSON * 2])
def test_a_body_must_say_that_it_is_json(headers: Any) -> None:
    with pytest.raises(Malformed, match="Content-Type"):
        document(headers, b"{}")
