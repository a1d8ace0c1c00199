"""What all tests on a cluster share: which one it is, and a namespace of their own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from tests.localcluster import access
from tests.support.addons import Gateway, bring_up
from tests.support.kstatus import Kstatus
from tests.support.kube import Kube


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", default="modelyard-test", help="the cluster for tests marked cluster [%(default)s]")
    parser.addoption(
        "--kwok-cluster", default="modelyard-test-kwok", help="the cluster for tests marked kwok [%(default)s]"
    )


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> str:
    """The name of a cluster that runs; from here on addresses of its pods and Services can be reached."""
    name = str(request.config.getoption("--cluster"))
    access.enter(name)
    os.environ["KUBECONFIG"] = str(access.kubeconfig(name))  # for what starts programs of its own
    return name


@pytest.fixture(scope="session")
def gateway(cluster: str, request: pytest.FixtureRequest) -> Gateway:
    """A Gateway of that cluster, brought up where it is not there; it stays."""
    with shown(request):
        bring_up(cluster, "gateway")
    return Gateway(cluster)


@pytest.fixture(scope="session")
def metrics(cluster: str, request: pytest.FixtureRequest) -> str:
    """The cluster's name, once it measures what its pods use."""
    with shown(request):
        bring_up(cluster, "metrics-server")
    return cluster


@pytest.fixture(scope="session")
def keda(cluster: str, request: pytest.FixtureRequest) -> str:
    """The cluster's name, once KEDA scales there."""
    with shown(request):
        bring_up(cluster, "keda")
    return cluster


@contextmanager
def shown(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is written meanwhile is seen at once: a first build takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        yield


@pytest.fixture(scope="session")
def kwok(request: pytest.FixtureRequest) -> str:
    """The name of a cluster of provider kwok that runs: a real control plane, nodes that are played."""
    name = str(request.config.getoption("--kwok-cluster"))
    access.enter(name)
    os.environ["KUBECONFIG"] = str(access.kubeconfig(name))
    return name


@pytest.fixture(scope="session")
def kstatus(request: pytest.FixtureRequest) -> Iterator[Kstatus]:
    """What GitOps tools make of objects."""
    with shown(request):
        found = Kstatus()
    yield found
    found.close()


@contextmanager
def new_namespace(cluster: str) -> Iterator[Kube]:
    """One that enforces the restricted Pod Security Standard; deleted afterwards, without waiting for its end."""
    made = Kube(cluster, f"test-{uuid.uuid4().hex[:8]}")
    metadata = {"name": made.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield made
    finally:
        made.run("delete", "namespace", made.namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def kube(cluster: str) -> Iterator[Kube]:
    """A new namespace for one test."""
    with new_namespace(cluster) as made:
        yield made
