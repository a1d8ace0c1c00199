"""Checks that Triton's unmodified client (test_kserve: KServe's) gets scikit-learn's answers from all ALGORITHMS, for
rows with missing and unknown values, over REST in JSON, REST in bytes and gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import InferenceServerException

from tests.unit.server.agree import Answers, assert_same
from tests.unit.server.estimators import ALGORITHMS, NUMBERS, TEXTS, Trained
from tests.unit.server.models import StoredModel
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
    """Returns the model's answers to ``trained.rows``; ``binary`` is None for gRPC, where this client has no choice."""
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
    outputs_by_name = {name: answer.as_numpy(name) for name in names}
    if "label" in outputs_by_name:
        outputs_by_name["label"] = np.array(
            [item.decode() if isinstance(item, bytes) else item for item in outputs_by_name["label"]]
        )
    return outputs_by_name


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_triton_client(estimators: list[Trained], over_http: Any, over_grpc: Any, algorithm: str) -> None:
    trained = next(item for item in estimators if item.name == algorithm)
    expected = trained.expected()
    assert_same(ask(over_http, triton_http, trained, binary=False), expected, "REST JSON")
    assert_same(ask(over_http, triton_http, trained, binary=True), expected, "REST binary")
    assert_same(ask(over_grpc, triton_grpc, trained, binary=None), expected, "gRPC")


def test_triton_client_s_other_calls(iris: StoredModel, iris_server: Served) -> None:
    with (
        triton_http.InferenceServerClient(f"127.0.0.1:{iris_server.port}") as rest,
        triton_grpc.InferenceServerClient(f"127.0.0.1:{iris_server.grpc_port}") as rpc,
    ):
        for client in (rest, rpc):
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready(NAME)
            assert client.is_model_ready(NAME, VERSION)
        grpc_metadata = rpc.get_model_metadata(NAME, as_json=True)
        rest_metadata = rest.get_model_metadata(NAME)
        for key in ("name", "versions", "platform"):
            assert grpc_metadata[key] == rest_metadata[key]
        assert [item["name"] for item in grpc_metadata["inputs"]] == [item["name"] for item in rest_metadata["inputs"]]
        assert rest.get_server_metadata()["extensions"] == rpc.get_server_metadata(as_json=True)["extensions"]
        assert rest.get_model_repository_index()[0]["state"] == "READY"
        assert rpc.get_model_repository_index().models[0].state == "READY"
        assert not rest.is_model_ready("birds")
        values = iris.table.to_numpy()[:3]
        for client, module in ((rest, triton_http), (rpc, triton_grpc)):
            tensor = module.InferInput("x", list(values.shape), "FP32")
            tensor.set_data_from_numpy(values)
            answer = client.infer(NAME, [tensor], model_version=VERSION)
            assert answer.as_numpy("label").astype(str).tolist() == iris.estimator.predict(values).tolist()
            with pytest.raises(InferenceServerException, match="unknown model 'birds'"):
                client.infer("birds", [tensor])
