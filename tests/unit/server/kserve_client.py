"""KServe's clients at work, in an environment of their own: reads a task from stdin, writes the answers to stdout."""

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
        made = InferInput(name, list(array.shape), "BYTES" if text else "FP32")
        made.set_data_from_numpy(array, binary_data=binary)
        inputs.append(made)
    parameters = {"binary_data_output": True} if binary else None
    return InferRequest(model, inputs, request_id="order-17", parameters=parameters)


def answers(response: Any) -> dict[str, Any]:
    assert response.id == "order-17", response.id
    found = {}
    for output in response.outputs:
        values = output.as_numpy()
        texts = output.datatype == "BYTES"
        found[output.name] = (
            [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
            if texts
            else values.tolist()
        )
    return found


async def main(task: dict[str, Any]) -> dict[str, Any]:
    url = f"http://127.0.0.1:{task['port']}"
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    rpc = InferenceGRPCClient(f"127.0.0.1:{task['grpc_port']}")
    found: dict[str, Any] = {}
    for model, rows in task["rows"].items():
        plain, binary = (request(model, rows, task["texts"], value) for value in (False, True))
        found[model] = {
            "rest-json": answers(await rest.infer(url, plain, model_name=model)),
            "rest-binary": answers(await rest.infer(url, binary, model_name=model)),
            "grpc-typed": answers(await rpc.infer(plain)),
            "grpc-raw": answers(await rpc.infer(binary)),
        }
    unknown = []
    one = request("birds", {"a": [1.0]}, [], False)
    try:
        await rest.infer(url, one, model_name="birds")
    except httpx.HTTPStatusError as error:
        unknown.append(error.response.status_code)
    try:
        await rpc.infer(one)
    except RpcError as error:
        unknown.append(error.code().name)
    found["calls"] = {
        "rest": [
            await rest.is_server_ready(url),
            await rest.is_server_live(url),
            await rest.is_model_ready(url, model),
        ],
        "grpc": [await rpc.is_server_ready(), await rpc.is_server_live(), await rpc.is_model_ready(model)],
        "unknown": unknown,
    }
    await rest.close()
    await rpc.close()
    return found


print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
