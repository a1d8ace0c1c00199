"""Provides the generated CRDs on the real API server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.common.paths import REPO
from tests.contract.api import Api
from tests.localcluster import access
from tests.support.kube import Kube
from tests.support.namespace import new_namespace


@pytest.fixture(scope="session")
def crds(cluster: str) -> str:
    """Applies the checkout's CRDs, waits until they are served, and returns the cluster's name."""
    _apply_crds(cluster)
    return cluster


def _apply_crds(cluster: str) -> None:
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-k", str(REPO / "crds"))
    access.kubectl(
        cluster, "wait", "--for=condition=Established", "crd", "--selector=app.kubernetes.io/name=modelyard-crds"
    )


@pytest.fixture(scope="session")
def api(crds: str) -> Iterator[Api]:
    """Yields a client for dry runs: all tests share one namespace, which stays empty."""
    with new_namespace(crds) as kube:
        yield Api(crds, kube.namespace)


@pytest.fixture
def stored(crds: str, kube: Kube) -> Api:
    """Returns a client for real writes: each test has its own namespace."""
    return Api(crds, kube.namespace)


@pytest.fixture(scope="session")
def unwatched(kwok: str) -> Iterator[Api]:
    """Yields a client for a namespace of a cluster where no operator runs."""
    _apply_crds(kwok)
    with new_namespace(kwok) as kube:
        yield Api(kwok, kube.namespace)
