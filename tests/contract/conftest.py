"""The generated CRDs on the real API server."""

from __future__ import annotations

import pytest

from tests.contract.api import Api
from tests.localcluster import access
from tests.localcluster.paths import REPO
from tests.support.kube import Kube


@pytest.fixture(scope="session")
def crds(cluster: str) -> str:
    """Applied as they are in the checkout, and served."""
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-k", str(REPO / "crds"))
    access.kubectl(
        cluster, "wait", "--for=condition=Established", "crd", "--selector=app.kubernetes.io/name=modelyard-crds"
    )
    return cluster


@pytest.fixture
def api(crds: str, kube: Kube) -> Api:
    return Api(crds, kube.namespace)
