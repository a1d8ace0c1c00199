"""Checks that a request with bytes changed, dropped or doubled is either read or refused with BadRequest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelyard_server import manifest as manifests
from modelyard_server import rest
from modelyard_server.manifest import Manifest
from modelyard_server.protocol import Inference
from modelyard_server.rpc import convert
from modelyard_server.rpc.messages import ModelInferRequest
from modelyard_server.rpc.service import _read
from modelyard_server.tensors import BadRequest
from tests.unit.server.models import StoredModel
from tests.unit.server.serving import NAME
from tests.unit.server.test_answers import columns
from tests.unit.server.test_binary import as_bytes
from tests.unit.server.test_grpc import typed

NUMBER = 2000
ROWS = slice(0, 3)
Parse = Callable[[bytes], Inference]


def mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(changed) or 1)
        end = start + rng.choice((1, 1, 2, 4, 8, 50))
        match rng.randrange(5):
            case 0:
                changed[start:end] = rng.randbytes(len(changed[start:end]))
            case 1:
                del changed[start:end]
            case 2:
                changed[start:start] = changed[start:end]
            case 3:
                changed[start:start] = rng.choice(
                    (b"null", b"NaN", b"-1", b"[", b"{}", b'"', b"1e999", b"\xff\xff\xff\xff")
                )
            case _:
                del changed[start:]
    return bytes(changed)


def encodings(model: StoredModel) -> dict[str, tuple[bytes, Parse]]:
    """Returns the same request in each encoding, with the function that parses it."""
    manifest: Manifest = manifests.read(model.folder)
    tensors = columns(model, ROWS)
    document = {"id": "7", "outputs": [{"name": "label"}], "parameters": {"binary_data_output": True}}
    heads, tail = as_bytes(tensors)
    head = json.dumps(document | {"inputs": heads}).encode()
    described: list[dict[str, Any]] = [{key: tensor[key] for key in ("name", "datatype", "shape")} for tensor in heads]
    raw = [as_bytes([tensor])[1] for tensor in tensors]
    fields = {"model_name": NAME, "id": "7", "outputs": [{"name": "label"}]}

    def message(data: bytes) -> Inference:
        return convert.parse(_read(ModelInferRequest, data), manifest)

    return {
        "json": (json.dumps(document | {"inputs": tensors}).encode(), lambda body: rest.parse(body, manifest)),
        "binary": (head + tail, lambda body: rest.parse_binary(body, manifest, length=len(head))),
        "raw": (
            ModelInferRequest(**fields, inputs=described, raw_input_contents=raw).SerializeToString(),
            message,
        ),
        "typed": (ModelInferRequest(**fields, inputs=typed(tensors)).SerializeToString(), message),
    }


@pytest.mark.parametrize("encoding", ["json", "binary", "raw", "typed"])
@pytest.mark.parametrize("fixture", ["iris", "penguins"])
def test_what_is_changed_is_read_or_refused(fixture: str, encoding: str, request: pytest.FixtureRequest) -> None:
    body, parse = encodings(request.getfixturevalue(fixture))[encoding]
    assert parse(body).rows == 3
    rng = random.Random(f"{fixture}-{encoding}")
    refused: list[BadRequest] = []
    with np.errstate(all="ignore"):
        for _ in range(NUMBER):
            data = mutated(body, rng)
            try:
                parse(data)
            except BadRequest as error:
                refused.append(error)
            except Exception as error:
                raise AssertionError(data) from error
    assert NUMBER // 10 < len(refused) < NUMBER
    assert {error.status for error in refused} == {400}
    assert max(len(str(error)) for error in refused) < 20_000
