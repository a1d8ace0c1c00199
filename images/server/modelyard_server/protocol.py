"""Turns the tensors of an Open Inference Protocol V2 request, from REST or gRPC, into the model's arrays. Pure.

A request has one input per column, or, if all inputs are numbers, one tensor [rows, columns] of any name, whose columns
are in the model's order.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_models.derive import derive
from modelyard_server.manifest import NUMBER, TEXT, Manifest, Output
from modelyard_server.tensors import (
    BadRequest,
    Tensor,
    check_numbers,
    check_shape,
    check_texts,
    doubles,
    flat,
    numbers,
    shown,
    texts,
)
from modelyard_server.typed import check

MAX_ID = 256
"""Most characters in a request's id, which is the prediction id that labels are joined on later."""
ID_HEADER = "x-request-id"
"""The header that gives the request's id if the body has none."""
_LISTED = 20


@dataclass(slots=True)
class Inference:
    """A checked request, as the model's file takes it: with ``matrix`` [rows, inputs] if all inputs are numbers, else
    ``columns`` of [rows] each."""

    id: str
    rows: int
    outputs: tuple[Output, ...]
    columns: dict[str, NDArray[Any]] | None = None
    matrix: NDArray[np.float32] | None = None
    binary: frozenset[str] = frozenset()
    """``binary`` names the outputs that are answered as bytes, not as JSON or typed values."""
    given: dict[str, NDArray[Any]] | None = None
    """``given`` are the inputs, of [rows] each, if the file takes others: numbers, texts and ``datetime64[us]``."""


def identity(body_id: Any, header_id: str | None = None) -> str:
    """Returns the request's id: the body's, else that of its header x-request-id, by which gateways and logs know it,
    else a new one. Raises BadRequest if the body's is not a text of 1 to MAX_ID characters."""
    if body_id is None:
        if header_id is not None and 1 <= len(header_id) <= MAX_ID:
            return header_id
        return os.urandom(16).hex()  # as random as a UUID, in a tenth of the time
    if type(body_id) is not str or not 1 <= len(body_id) <= MAX_ID:
        raise BadRequest(f"id {shown(body_id)} is not a text of 1 to {MAX_ID} characters")
    return body_id


def of_tensors(
    id_: str,
    outputs: tuple[Output, ...],
    inputs: dict[str, Tensor],
    manifest: Manifest,
    binary: frozenset[str] = frozenset(),
) -> Inference:
    """Builds a request from its inputs. Raises BadRequest, which names the input and says what is allowed."""
    if len(inputs) == 1 and manifest.numeric:
        ((name, tensor),) = inputs.items()
        shape = check_shape(name, tensor.shape)
        if len(shape) == 2 and (shape[1] > 1 or all(name != column.name for column in manifest.inputs)):
            if shape[1] != len(manifest.inputs):
                raise BadRequest(f"input {name!r}: shape {shown(shape)} has {shape[1]} columns: {allowed(manifest)}")
            if manifest.is_typed:
                request = assemble(id_, outputs, _side_by_side(name, tensor, shape, manifest), manifest)
                request.binary = binary
                return request
            return Inference(id_, shape[0], outputs, None, _matrix(name, tensor, shape), binary)
    request = assemble(id_, outputs, _columns(inputs, manifest), manifest)
    request.binary = binary
    return request


def assemble(identity: str, outputs: tuple[Output, ...], values: dict[str, Any], manifest: Manifest) -> Inference:
    """Builds a request from checked columns, one per input of the model, of equal length. Raises BadRequest."""
    rows = len(next(iter(values.values())))
    if manifest.features:
        given = _given(values, manifest)
        taken = derive(given, manifest.inputs, manifest.features)
        return Inference(identity, rows, outputs, taken, given=given)
    if manifest.numeric:
        matrix = np.ascontiguousarray(numbers({name: values[name] for name in manifest.number_names}).T)
        return Inference(identity, rows, outputs, matrix=matrix)
    columns = _texts(values, manifest)
    if manifest.number_names:
        columns.update(
            zip(manifest.number_names, numbers({name: values[name] for name in manifest.number_names}), strict=True)
        )
    return Inference(identity, rows, outputs, columns=columns)


def _texts(values: dict[str, list[Any]], manifest: Manifest) -> dict[str, NDArray[Any]]:
    return {name: texts(values[name], plain, manifest.missing) for name, plain in manifest.plain.items()}


def _given(values: dict[str, Any], manifest: Manifest) -> dict[str, NDArray[Any]]:
    """Returns the inputs by name, from their checked values. Raises BadRequest."""
    given = _texts(values, manifest)
    for column in manifest.instants:
        given[column.name] = values[column.name]
    narrow = {name: values[name] for name in manifest.number_names if name not in manifest.wide}
    if narrow:
        given.update(zip(narrow, numbers(narrow), strict=True))
    for name in manifest.wide:
        given[name] = doubles(name, values[name])
    return given


def choose(names: Sequence[Any], manifest: Manifest) -> tuple[Output, ...]:
    """Returns the outputs with these names, or all outputs if ``names`` is empty. Raises BadRequest."""
    if not names:
        return manifest.outputs
    known = {output.name: output for output in manifest.outputs}
    chosen: dict[str, Output] = {}
    for index, name in enumerate(names):
        if type(name) is not str or name not in known:
            raise BadRequest(f"outputs[{index}]: unknown output {shown(name)}: the model has {', '.join(known)}")
        if name in chosen:
            raise BadRequest(f"outputs[{index}]: {name!r} is asked for twice")
        chosen[name] = known[name]
    return tuple(chosen.values())


def _matrix(name: str, tensor: Tensor, shape: list[int]) -> NDArray[np.float32]:
    values = flat(name, tensor.data, shape)
    check_numbers(name, tensor.datatype, values)
    return numbers({name: values}).reshape(shape)


def _side_by_side(name: str, tensor: Tensor, shape: list[int], manifest: Manifest) -> dict[str, Any]:
    """Returns the checked columns of a matrix. Raises BadRequest."""
    if tensor.datatype == TEXT:
        raise BadRequest(f"input {name!r}: datatype {shown(TEXT)}: {allowed(manifest)}")
    values, width = flat(name, tensor.data, shape), shape[1]
    return {
        own: check(column, tensor.datatype, values[index::width], manifest)
        for index, (own, _, column) in enumerate(manifest.asked)
    }


def _columns(inputs: dict[str, Tensor], manifest: Manifest) -> dict[str, Any]:
    """Returns the checked values of every input of the model; all have the same length. Raises BadRequest."""
    columns: dict[str, Any] = {}
    rows, first = 0, ""
    for name, kind, column in manifest.asked:
        tensor = inputs.get(name)
        if tensor is None:
            continue
        shape = check_shape(name, tensor.shape)
        if len(shape) == 2 and shape[1] != 1:
            raise BadRequest(f"input {name!r}: shape {shown(shape)} of a column is not [rows] or [rows, 1]")
        values = columns[name] = flat(name, tensor.data, shape)
        if kind == NUMBER:
            check_numbers(name, tensor.datatype, values)
        elif kind == TEXT:
            check_texts(name, tensor.datatype, values)
        else:
            columns[name] = check(column, tensor.datatype, values, manifest)
        if rows and shape[0] != rows:
            raise BadRequest(f"input {name!r} has {shape[0]} rows, {first!r} has {rows}: all need the same")
        rows, first = shape[0], first or name
    unknown = [name for name in inputs if name not in columns]
    if unknown:
        raise BadRequest(f"unknown input {_names(unknown)}: {allowed(manifest)}")
    missing = [column.name for column in manifest.inputs if column.name not in columns]
    if missing:
        raise BadRequest(f"missing input {_names(missing)}: {allowed(manifest)}")
    return columns


def _names(names: list[str]) -> str:
    return _listed([repr(name if len(name) <= 128 else name[:125] + "...") for name in names])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def allowed(manifest: Manifest) -> str:
    """Returns the sentence for error messages that says which inputs the model takes."""
    columns = _listed([f"{column.name} {column.datatype}" for column in manifest.inputs])
    tensor = f", or one {NUMBER} tensor [rows, {len(manifest.inputs)}] in this order" if manifest.numeric else ""
    return f"the model takes one input a column ({columns}){tensor}"
