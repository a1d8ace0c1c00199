"""The fixtures and hooks of all tests: the cluster they run on, their distribution, and the seed of random choices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from tests.common.say import CannotRun
from tests.localcluster import access
from tests.support import flaky, seed
from tests.support.addons import Gateway, Registry, bring_up
from tests.support.health import Health
from tests.support.kstatus import Kstatus
from tests.support.kube import Kube
from tests.support.namespace import new_namespace
from tests.support.tracking import Tracking

DEFAULTS = {"cluster": "modelyard-test", "kwok": "modelyard-test-kwok"}


def pytest_addoption(parser: pytest.Parser) -> None:
    for mark, option in (("cluster", "--cluster"), ("kwok", "--kwok-cluster")):
        parser.addoption(option, dest=f"name_of_{mark}", help=f"the cluster for tests marked {mark} [{DEFAULTS[mark]}]")


def pytest_configure(config: pytest.Config) -> None:
    """Enters the named cluster at once, because pytest-xdist's processes have threads and must begin inside."""
    named = [name for mark in DEFAULTS if (name := config.getoption(f"name_of_{mark}"))]
    if len(named) > 1:
        raise pytest.UsageError("name one of --cluster and --kwok-cluster: a run is in the network of one cluster")
    for name in named:
        try:
            _enter(name)
        except CannotRun as problem:
            raise pytest.UsageError(str(problem)) from None


def pytest_report_header() -> str:
    return seed.banner()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    flaky.mark(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.support.spread import Spread

    return Spread(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    flaky.afresh(item)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if again := flaky.summary(terminalreporter.stats):
        terminalreporter.write_line(flaky.report(again))
        flaky.write(again)


def _enter(name: str) -> str:
    """Enters the cluster's network, in which the addresses of its pods and Services can be reached."""
    access.enter(name)
    os.environ["KUBECONFIG"] = str(access.kubeconfig(name))  # programs that tests start read it
    return name


def _name(request: pytest.FixtureRequest, mark: str) -> str:
    return str(request.config.getoption(f"name_of_{mark}") or DEFAULTS[mark])


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> str:
    """The name of a running cluster, whose network this process has entered."""
    return _enter(_name(request, "cluster"))


@pytest.fixture(scope="session")
def gateway(cluster: str, request: pytest.FixtureRequest) -> Gateway:
    """A Gateway of that cluster, which is installed if it is missing, and stays."""
    with shown(request):
        bring_up(cluster, "gateway")
    return Gateway(cluster)


@pytest.fixture(scope="session")
def metrics(cluster: str, request: pytest.FixtureRequest) -> str:
    """The name of that cluster, after metrics-server is installed."""
    with shown(request):
        bring_up(cluster, "metrics-server")
    return cluster


@pytest.fixture(scope="session")
def keda(cluster: str, request: pytest.FixtureRequest) -> str:
    """The name of that cluster, after KEDA is installed."""
    with shown(request):
        bring_up(cluster, "keda")
    return cluster


@pytest.fixture(scope="session")
def registry(cluster: str, request: pytest.FixtureRequest) -> Registry:
    """The registries of that cluster, which are installed if they are missing, and stay."""
    with shown(request):
        return Registry(cluster)


@contextmanager
def shown(request: pytest.FixtureRequest) -> Iterator[None]:
    """A context whose output is shown at once, because a first build takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        yield


@pytest.fixture(scope="session")
def kwok(request: pytest.FixtureRequest) -> str:
    """The name of a running cluster of provider kwok, with a real control plane and simulated nodes."""
    return _enter(_name(request, "kwok"))


@pytest.fixture(scope="session")
def kstatus(request: pytest.FixtureRequest) -> Iterator[Kstatus]:
    """The program that judges objects as GitOps tools do."""
    with shown(request):
        program = Kstatus()
    yield program
    program.close()


@pytest.fixture(scope="session")
def health(request: pytest.FixtureRequest) -> Iterator[Health]:
    """The program that judges objects as Argo CD and Flux do with the settings that are shipped."""
    with shown(request):
        program = Health()
    yield program
    program.close()


@pytest.fixture(scope="session")
def played(kwok: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of that cluster, after CRDs and rights are installed, so that a harness may start operators there."""
    from tests.harness.faults.place import prepare  # it imports the operator's client, which other tests don't need

    prepare(kwok, tmp_path_factory.mktemp("place"))
    return kwok


@pytest.fixture(scope="session")
def tracking(played: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A tracking server in the network of that cluster."""
    with Tracking(tmp_path_factory.mktemp("tracking")) as server:
        yield server


@pytest.fixture
def kube(cluster: str) -> Iterator[Kube]:
    """A new namespace for one test."""
    with new_namespace(cluster) as namespace:
        yield namespace
