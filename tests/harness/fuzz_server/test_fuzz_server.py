"""The short run of the fuzz tests; ``python -m tests.harness.fuzz_server`` is the long one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.harness.fuzz_server import raw, rest
from tests.harness.fuzz_server.place import place, resident
from tests.support.seed import seed
from tests.unit.server.serving import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with place(tmp_path_factory.mktemp("fuzz")) as server:
        yield server
        assert server.process.poll() is None, server.log
        assert "Traceback" not in server.log, server.log


def test_the_seeds_are_answered(server: Served) -> None:
    for data in raw.seeds():
        assert raw.send(server.port, data, random.Random(0)).startswith(b"HTTP/1.1 200"), data


def test_requests_from_the_openapi_document(server: Served) -> None:
    sent, failure = rest.run(server, 6, seed(), "examples,coverage")
    assert failure == ""
    assert sent > 300


def test_requests_broken_byte_by_byte(server: Served) -> None:
    raw.run(server, 100, seed())
    before = resident(server)
    answers = raw.run(server, 600, seed() + 1)
    assert answers.failures == []
    assert answers.statuses[200] > 20
    assert answers.statuses[400] > 100
    assert resident(server) - before < 30
