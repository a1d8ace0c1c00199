"""Runs KServe's clients in a virtual environment of their own: reads a task from stdin, writes answers to stdout."""

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from grpc import RpcError
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model: str, rows: dict[str, list[Any]], texts: list[str], binary: bool) -> InferRequest:
    inputs = []
    for name, values in rows.items():
        text = name in texts
        array = np.array(values, dtype=object if text else np.float32).reshape(-1, 1)
        tensor = InferInput(name, list(array.shape), "BYTES" if text else "FP32")
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    parameters = {"binary_data_output": True} if binary else None
    return InferRequest(model, inputs, request_id="order-17", parameters=parameters)


def answers(response: Any) -> dict[str, Any]:
    assert response.id == "order-17", response.id
    outputs = {}
    for output in response.outputs:
        values = output.as_numpy()
        texts = output.datatype == "BYTES"
        outputs[output.name] = (
            [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
            if texts
            else values.tolist()
        )
    return outputs


async def main(task: dict[str, Any]) -> dict[str, Any]:
    url = f"http://127.0.0.1:{task['port']}"
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    rpc = InferenceGRPCClient(f"127.0.0.1:{task['grpc_port']}")
    results: dict[str, Any] = {}
    for model, rows in task["rows"].items():
        plain, binary = (request(model, rows, task["texts"], value) for value in (False, True))
        results[model] = {
            "rest-json": answers(await rest.infer(url, plain, model_name=model)),
            "rest-binary": answers(await rest.infer(url, binary, model_name=model)),
            "grpc-typed": answers(await rpc.infer(plain)),
            "grpc-raw": answers(await rpc.infer(binary)),
        }
    refusals = []
    unknown_model = request("birds", {"a": [1.0]}, [], False)
    try:
        await rest.infer(url, unknown_model, model_name="birds")
    except httpx.HTTPStatusError as error:
        refusals.append(error.response.status_code)
    try:
        await rpc.infer(unknown_model)
    except RpcError as error:
        refusals.append(error.code().name)
    results["calls"] = {
        "rest": [
            await rest.is_server_ready(url),
            await rest.is_server_live(url),
            await rest.is_model_ready(url, model),
        ],
        "grpc": [await rpc.is_server_ready(), await rpc.is_server_live(), await rpc.is_model_ready(model)],
        "unknown": refusals,
    }
    await rest.close()
    await rpc.close()
    return results


print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
