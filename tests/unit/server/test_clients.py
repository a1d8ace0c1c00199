"""A client that people have, unchanged: Triton's (KServe's: test_kserve). Its answers are scikit-learn's, on twenty
estimators, for rows with missing and unknown values, over REST in JSON, REST in bytes and gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import InferenceServerException

from tests.unit.server.agree import Answers, same
from tests.unit.server.estimators import ALGORITHMS, NUMBERS, TEXTS, Trained
from tests.unit.server.models import Made
from tests.unit.server.serving import NAME, VERSION, Served


@pytest.fixture
def over_http(estimators_server: Served) -> Iterator[triton_http.InferenceServerClient]:
    with triton_http.InferenceServerClient(f"127.0.0.1:{estimators_server.port}") as client:
        yield client


@pytest.fixture
def over_grpc(estimators_server: Served) -> Iterator[triton_grpc.InferenceServerClient]:
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{estimators_server.grpc_port}") as client:
        yield client


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
