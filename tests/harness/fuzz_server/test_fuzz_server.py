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
    with place(tmp_path_factory.mktemp("fuzz")) as made:
        yield made
        assert made.process.poll() is None, made.log
        assert "Traceback" not in made.log, made.log


def test_the_seeds_are_answered(server: Served) -> None:
    for data in raw.seeds():
        assert raw.send(server.port, data, random.Random(0)).startswith(b"HTTP/1.1 200"), data


def test_requests_from_the_openapi_document(server: Served) -> None:
    made, wrong = rest.run(server, 6, seed(), "examples,coverage")
    assert wrong == ""
    assert made > 300


def test_requests_broken_byte_by_byte(server: Served) -> None:
    raw.run(server, 100, seed())
    before = resident(server)
    found = raw.run(server, 600, seed() + 1)
    assert found.failures == []
    assert found.statuses[200] > 20
    assert found.statuses[400] > 100
    assert resident(server) - before < 30
