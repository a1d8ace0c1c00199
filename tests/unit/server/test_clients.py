"""The clients that people have, unchanged: Triton's and KServe's. Their answers are scikit-learn's, on twenty
estimators, for rows with missing and unknown values, over REST in JSON, REST in bytes and gRPC."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import InferenceServerException

from tests.support.venvs import python_with
from tests.unit.server.estimators import ALGORITHMS, NUMBERS, TEXTS, Trained
from tests.unit.server.models import Made
from tests.unit.server.serving import NAME, VERSION, Served

KSERVE = Path(__file__).parents[2] / "harness" / "bench" / "serving" / "peers" / "kserve.txt"
Answers = dict[str, np.ndarray]


@pytest.fixture
def over_http(estimators_server: Served) -> Iterator[triton_http.InferenceServerClient]:
    with triton_http.InferenceServerClient(f"127.0.0.1:{estimators_server.port}") as client:
        yield client


@pytest.fixture
def over_grpc(estimators_server: Served) -> Iterator[triton_grpc.InferenceServerClient]:
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{estimators_server.grpc_port}") as client:
        yield client


def same(found: Answers, expected: Answers, name: str) -> None:
    """Labels are equal, numbers within the tolerance that models are accepted with."""
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        if output == "label":
            assert found[output].astype(str).tolist() == values.astype(str).tolist(), name
        else:
            scale = max(1.0, float(np.abs(values).max()))
            np.testing.assert_allclose(found[output], values, rtol=1e-4, atol=1e-6 * scale, err_msg=name)


def test_the_rows_have_what_is_missing_and_what_is_unknown(estimators: list[Trained]) -> None:
    assert len(estimators) == len(ALGORITHMS) == 22
    rows = estimators[0].rows
    assert all(rows[name].isna().any() for name in NUMBERS)
    assert all((rows[name] == "").any() for name in TEXTS)
    assert (rows[TEXTS] == "a category never seen").any().any()


def ask(client: Any, module: Any, trained: Trained, binary: bool | None) -> Answers:
    """``binary`` None: gRPC, which has no choice in this client."""
    inputs = []
    for column in NUMBERS + TEXTS:
        text = column in TEXTS
        values = trained.rows[column].to_numpy(dtype=object if text else np.float32).reshape(-1, 1)
        inputs.append(module.InferInput(column, list(values.shape), "BYTES" if text else "FP32"))
        inputs[-1].set_data_from_numpy(values, *([] if binary is None else [binary]))
    names = list(trained.expected())
    outputs = [module.InferRequestedOutput(name, *([] if binary is None else [binary])) for name in names]
    answer = client.infer(trained.name, inputs, outputs=outputs, request_id="order-17")
    response = answer.get_response()
    assert (response["id"] if binary is not None else response.id) == "order-17"
    found = {name: answer.as_numpy(name) for name in names}
    if "label" in found:
        found["label"] = np.array([item.decode() if isinstance(item, bytes) else item for item in found["label"]])
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_triton_client(estimators: list[Trained], over_http: Any, over_grpc: Any, algorithm: str) -> None:
    trained = next(item for item in estimators if item.name == algorithm)
    expected = trained.expected()
    same(ask(over_http, triton_http, trained, binary=False), expected, "REST JSON")
    same(ask(over_http, triton_http, trained, binary=True), expected, "REST binary")
    same(ask(over_grpc, triton_grpc, trained, binary=None), expected, "gRPC")


def test_triton_client_s_other_calls(iris: Made, iris_server: Served) -> None:
    with (
        triton_http.InferenceServerClient(f"127.0.0.1:{iris_server.port}") as rest,
        triton_grpc.InferenceServerClient(f"127.0.0.1:{iris_server.grpc_port}") as rpc,
    ):
        for client in (rest, rpc):
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready(NAME)
            assert client.is_model_ready(NAME, VERSION)
        found = rpc.get_model_metadata(NAME, as_json=True)
        wanted = rest.get_model_metadata(NAME)
        for key in ("name", "versions", "platform"):
            assert found[key] == wanted[key]
        assert [item["name"] for item in found["inputs"]] == [item["name"] for item in wanted["inputs"]]
        assert rest.get_server_metadata()["extensions"] == rpc.get_server_metadata(as_json=True)["extensions"]
        assert rest.get_model_repository_index()[0]["state"] == "READY"
        assert rpc.get_model_repository_index().models[0].state == "READY"
        assert not rest.is_model_ready("birds")
        values = iris.table.to_numpy()[:3]
        for client, module in ((rest, triton_http), (rpc, triton_grpc)):
            made = module.InferInput("x", list(values.shape), "FP32")
            made.set_data_from_numpy(values)
            answer = client.infer(NAME, [made], model_version=VERSION)
            assert answer.as_numpy("label").astype(str).tolist() == iris.estimator.predict(values).tolist()
            with pytest.raises(InferenceServerException, match="unknown model 'birds'"):
                client.infer("birds", [made])


@pytest.fixture(scope="module")
def kserve(estimators: list[Trained], estimators_server: Served) -> Callable[[str], dict[str, Any]]:
    """What KServe's clients, in an environment of their own, got of each estimator."""
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
    found = json.loads(done.stdout.splitlines()[-1])
    return lambda name: dict(found[name])


def test_kserve_client_s_other_calls(kserve: Callable[[str], dict[str, Any]]) -> None:
    assert kserve("calls") == {"rest": [True, True, True], "grpc": [True, True, True], "unknown": [404, "NOT_FOUND"]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_kserve_client(estimators: list[Trained], kserve: Callable[[str], dict[str, Any]], algorithm: str) -> None:
    trained = next(item for item in estimators if item.name == algorithm)
    found = kserve(algorithm)
    assert list(found) == ["rest-json", "rest-binary", "grpc-typed", "grpc-raw"]
    expected = trained.expected()
    for way, outputs in found.items():
        same({name: np.array(values) for name, values in outputs.items()}, expected, way)
