"""Provides models and servers once per session: a server process for each test would take most of the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.server import models
from tests.unit.server.estimators import Trained, train_all
from tests.unit.server.models import StoredModel
from tests.unit.server.serving import Served, running


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def iris(scratch: Path) -> StoredModel:
    return models.iris(scratch / "iris")


@pytest.fixture(scope="session")
def diabetes(scratch: Path) -> StoredModel:
    return models.diabetes(scratch / "diabetes")


@pytest.fixture(scope="session")
def penguins(scratch: Path) -> StoredModel:
    return models.penguins(scratch / "penguins")


@pytest.fixture(scope="session")
def body_mass(scratch: Path) -> StoredModel:
    return models.body_mass(scratch / "body_mass")


@pytest.fixture(scope="session")
def estimators(scratch: Path) -> list[Trained]:
    """Returns the trained ALGORITHMS, which are in the repository ``scratch``/estimators."""
    return train_all(scratch / "estimators")


@pytest.fixture(scope="session")
def estimators_server(estimators: list[Trained], scratch: Path) -> Iterator[Served]:
    with running(scratch / "estimators", scratch, repository=True) as server:
        yield server


@pytest.fixture(scope="session")
def iris_server(iris: StoredModel, scratch: Path) -> Iterator[Served]:
    with running(iris.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def diabetes_server(diabetes: StoredModel, scratch: Path) -> Iterator[Served]:
    with running(diabetes.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def body_mass_server(body_mass: StoredModel, scratch: Path) -> Iterator[Served]:
    with running(body_mass.folder, scratch) as server:
        yield server


@pytest.fixture(scope="session")
def penguins_server(penguins: StoredModel, scratch: Path) -> Iterator[Served]:
    with running(penguins.folder, scratch) as server:
        yield server
