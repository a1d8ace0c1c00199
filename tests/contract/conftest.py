"""The generated CRDs on the real API server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.api import Api
from tests.localcluster import access
from tests.localcluster.paths import REPO
from tests.support.kube import Kube
from tests.support.namespace import new_namespace


@pytest.fixture(scope="session")
def crds(cluster: str) -> str:
    """Applied as they are in the checkout, and served."""
    _apply_crds(cluster)
    return cluster


def _apply_crds(cluster: str) -> None:
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-k", str(REPO / "crds"))
    access.kubectl(
        cluster, "wait", "--for=condition=Established", "crd", "--selector=app.kubernetes.io/name=modelyard-crds"
    )


@pytest.fixture(scope="session")
def api(crds: str) -> Iterator[Api]:
    """For dry runs: all tests share one namespace, which stays empty."""
    with new_namespace(crds) as kube:
        yield Api(crds, kube.namespace)


@pytest.fixture
def stored(crds: str, kube: Kube) -> Api:
    """For what is really written: a namespace a test."""
    return Api(crds, kube.namespace)


@pytest.fixture(scope="session")
def unwatched(kwok: str) -> Iterator[Api]:
    """A namespace of a cluster where no operator looks at what is written."""
    _apply_crds(kwok)
    with new_namespace(kwok) as kube:
        yield Api(kwok, kube.namespace)
