"""Models and servers are made once for all tests: a process for each would be most of their time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.server import models
from tests.unit.server.estimators import Trained, train_all
from tests.unit.server.models import Made
from tests.unit.server.serving import Served, running


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def iris(scratch: Path) -> Made:
    return models.iris(scratch / "iris")


@pytest.fixture(scope="session")
def diabetes(scratch: Path) -> Made:
    return models.diabetes(scratch / "diabetes")


@pytest.fixture(scope="session")
def penguins(scratch: Path) -> Made:
    return models.penguins(scratch / "penguins")


@pytest.fixture(scope="session")
def body_mass(scratch: Path) -> Made:
    return models.body_mass(scratch / "body_mass")


@pytest.fixture(scope="session")
def estimators(scratch: Path) -> list[Trained]:
    """Twenty of them, in the repository ``scratch``/estimators."""
    return train_all(scratch / "estimators")


@pytest.fixture(scope="session")
def estimators_server(estimators: list[Trained], scratch: Path) -> Iterator[Served]:
    with running(scratch / "estimators", scratch, repository=True) as server:
        yield server


@pytest.fixture(scope="session")
def iris_server(iris: Made, scratch: Path) -> Iterator[Served]:
    with running(iris.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def diabetes_server(diabetes: Made, scratch: Path) -> Iterator[Served]:
    with running(diabetes.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def body_mass_server(body_mass: Made, scratch: Path) -> Iterator[Served]:
    with running(body_mass.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def penguins_server(penguins: Made, scratch: Path) -> Iterator[Served]:
    with running(penguins.folder, scratch) as server:
        yield server
