"""Checks KServe's unmodified clients, as test_clients checks Triton's. Their environment is large, so this runs by hand
only (``make test-peers``)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.common.paths import REPO
from tests.support.venvs import python_with
from tests.unit.server.agree import assert_same
from tests.unit.server.estimators import ALGORITHMS, NUMBERS, TEXTS, Trained
from tests.unit.server.serving import Served

pytestmark = pytest.mark.peers
KSERVE = REPO / "tests/harness/bench/serving/peers/kserve.txt"


@pytest.fixture(scope="module")
def kserve(estimators: list[Trained], estimators_server: Served) -> Callable[[str], dict[str, Any]]:
    """Returns a function that gives the answers which KServe's clients, in their own environment, got of a model."""
    python = python_with("kserve", KSERVE)
    rows = {
        trained.name: {
            column: [None if value != value else value for value in trained.rows[column].astype(object)]
            for column in NUMBERS + TEXTS
        }
        for trained in estimators
    }
    task = {"port": estimators_server.port, "grpc_port": estimators_server.grpc_port, "rows": rows, "texts": TEXTS}
    script = Path(__file__).with_name("kserve_client.py")
    done = subprocess.run(
        [str(python), str(script)], input=json.dumps(task), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    return lambda name: dict(results[name])


def test_kserve_client_s_other_calls(kserve: Callable[[str], dict[str, Any]]) -> None:
    assert kserve("calls") == {"rest": [True, True, True], "grpc": [True, True, True], "unknown": [404, "NOT_FOUND"]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_kserve_client(estimators: list[Trained], kserve: Callable[[str], dict[str, Any]], algorithm: str) -> None:
    trained = next(item for item in estimators if item.name == algorithm)
    answers = kserve(algorithm)
    assert list(answers) == ["rest-json", "rest-binary", "grpc-typed", "grpc-raw"]
    expected = trained.expected()
    for protocol, outputs in answers.items():
        assert_same({name: np.array(values) for name, values in outputs.items()}, expected, protocol)
