"""What all tests on a cluster share: which one it is, and a namespace of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.kube import Kube


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", default="modelyard-test", help="the cluster for tests marked cluster [%(default)s]")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> str:
    """The name of a cluster that runs; from here on addresses of its pods and Services can be reached."""
    from tests.localcluster import access

    name = str(request.config.getoption("--cluster"))
    access.enter(name)
    return name


@pytest.fixture
def kube(cluster: str) -> Iterator[Kube]:
    """A new namespace that enforces the restricted Pod Security Standard; deleted afterwards, without waiting."""
    from tests.support.kube import Kube

    made = Kube(cluster, f"test-{uuid.uuid4().hex[:8]}")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": made.namespace, "labels": labels}
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield made
    made.run("delete", "namespace", made.namespace, "--wait=false")
