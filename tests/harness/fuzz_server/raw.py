"""Sends requests broken byte by byte, over raw sockets.

Each is a mutation of a valid request. The server must soon answer or close the connection, and never fail itself.
"""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.unit.server.serving import Served

ALLOWED = {100, 200, 400, 403, 404, 405, 408, 411, 413, 414, 415, 417, 431, 501, 503, 505}
WAIT_SECONDS = 5.0
AT_ONCE = 32
_LENGTH = re.compile(rb"content-length: (\d+)")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

IRIS = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [5.1, 3.5, None, 0.2]}], "id": "a"}
PENGUINS = {
    "inputs": [
        {"name": "bill_length_mm", "datatype": "FP32", "shape": [2], "data": [39.1, None]},
        {"name": "body_mass_g", "datatype": "FP64", "shape": [2, 1], "data": [[3750], [3800]]},
        {"name": "island", "datatype": "BYTES", "shape": [2], "data": ["Biscoe", None]},
        {"name": "sex", "datatype": "BYTES", "shape": [2], "data": ["male", ""]},
    ],
    "outputs": [{"name": "label"}],
}
BINARY = {
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "parameters": {"binary_data_size": 16}}],
    "parameters": {"binary_data_output": True},
}
TOKENS = [
    b"NaN", b"Infinity", b"-1", b"1e999", b"99999999999999999999", b"null", b"true", b"{}", b"[]", b'""', b"[" * 3000,
    b'{"inputs":' * 500, b'"id":"a","id":"b",', b'"\\ud800"', b"\xff\xfe", b"\x00", b"\r\n", b"\r\n\r\n", b"%00", b"..",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 18446744073709551615\r\n",
    b"Inference-Header-Content-Length: 3\r\n", b"Expect: 100-continue\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"X-Flood: y\r\n" * 200, b"X: " + b"y" * 9000 + b"\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"HTTP/9.9",
]  # fmt: skip


def _post(path: str, body: bytes, *headers: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def seeds() -> list[bytes]:
    """Returns valid requests of every kind."""
    binary = json.dumps(BINARY).encode()
    iris = json.dumps(IRIS).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (iris[:30], iris[30:])) + b"0\r\n\r\n"
    return [
        _post("/v2/models/iris/infer", iris, "Content-Type: application/json"),
        _post("/v2/models/penguins/versions/1/infer", json.dumps(PENGUINS).encode()),
        _post("/v2/models/iris/infer", binary + b"\0" * 16, f"Inference-Header-Content-Length: {len(binary)}"),
        b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
        _post("/v2/repository/index", b'{"ready": true}'),
        b"GET /v2/models/iris/sketches?window=5m HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v2/models/penguins/sketches?since=0&until=1e9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    ]


def _flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _drop(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.choice((1, 1, 2, 8, 40))]


def _double(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.choice((1, 2, 10, 60))] * chance.choice((1, 1, 1, 50))


def _token(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    data[start : start + chance.choice((0, 0, 1, 5))] = chance.choice(TOKENS)


def _number(chance: random.Random, data: bytearray) -> None:
    """Replaces a number by another one: a length, size or shape."""
    numbers = list(re.finditer(rb"\d+", data))
    if numbers:
        start, end = chance.choice(numbers).span()
        data[start:end] = str(chance.choice((0, 1, 2, 3, 15, 17, 64, 10**4, 2**31, 2**63, 2**64, 10**30, -1))).encode()


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


MUTATIONS: list[Callable[[random.Random, bytearray], None]] = [_flip, _drop, _double, _token, _number, _number, _cut]


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(seeds()))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if data:
            chance.choice(MUTATIONS)(chance, data)
    return bytes(data)


@dataclass
class Answers:
    """``statuses`` counts the answers by status, with 0 for a connection that was closed without an answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def send(port: int, data: bytes, chance: random.Random) -> bytes:
    """Returns the first whole answer, or "" if the connection is closed without one. Raises TimeoutError otherwise."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as sock:
        answer = b""
        try:
            middle = chance.randrange(len(data) + 1) if chance.random() < 0.3 else len(data)
            sock.sendall(data[:middle])
            sock.sendall(data[middle:])
            while not _whole(answer) and (part := sock.recv(65536)):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # the server closed the connection with a part of the request unread
        return answer


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        return _whole(body)
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def run(server: Served, count: int, seed: int) -> Answers:
    """Sends ``count`` mutated requests, many at once; every hundredth is followed by a valid one of each kind."""
    answers = Answers()

    def send_mutated(index: int) -> tuple[list[int], str]:
        chance = random.Random(f"{seed} {index}")
        data = mutated(chance)
        try:
            answer = send(server.port, data, chance)
            statuses = [int(status) for status in _STATUS.findall(answer)]
            if not set(statuses) <= ALLOWED or (answer and not statuses):
                return statuses, f"request {index}: {statuses} to {data[:2000]!r}: {answer[:500]!r}"
            for valid in seeds() if index % 100 == 99 else ():
                if not send(server.port, valid, chance).startswith(b"HTTP/1.1 200"):
                    return statuses, f"after request {index}: a valid one is not answered: {valid[:100]!r}"
            return statuses, ""
        except TimeoutError:
            return [], f"request {index}: neither answered nor closed: {data[:2000]!r}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for statuses, failure in pool.map(send_mutated, range(count)):
            answers.statuses.update(statuses or [0])
            if failure:
                answers.failures.append(failure)
    return answers
