"""Real servers for the tests of sources, on an address of this machine that is not the loopback, which is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.common.ports import own_address
from tests.support.bucket_server import Buckets, buckets
from tests.support.web_server import Site, site


@pytest.fixture(scope="session")
def address() -> str:
    found = own_address()
    if found is None:
        pytest.skip("this machine has no address but the loopback")
    return found


@pytest.fixture(scope="session")
def lake(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    with buckets(tmp_path_factory.mktemp("buckets"), address) as server:
        yield server


@pytest.fixture
def web(address: str) -> Iterator[Site]:
    with site(address) as server:
        yield server


@pytest.fixture
def secure(address: str, tmp_path: Path) -> Iterator[Site]:
    with site(address, tmp_path / "tls") as server:
        yield server
