"""Writes and reads a model in the store: its file, and ``model.json``, which names that file and has an example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from modelyard_api.fields.artifact import (
    FILES,
    MODEL_JSON,
    PROFILE_JSON,
    Example,
    Format,
    ModelManifest,
    canonical,
    sha256,
)
from modelyard_api.fields.metrics import Task
from modelyard_models import profile
from modelyard_models.asked import asked
from modelyard_models.instants import shown
from modelyard_models.tolerance import difference
from modelyard_runtime.models.session import Session, open_model
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore

EXAMPLE_ROWS = 8


def example(session: Session, rows: pd.DataFrame) -> Example:
    """Returns the first and last of ``rows``, as they are given, with the model's answers. Raises UserError if an
    answer is not finite."""
    half = EXAMPLE_ROWS // 2
    chosen = pd.concat([rows.iloc[:half], rows.iloc[max(half, len(rows) - half) :]], ignore_index=True)
    inputs = {name: _listed(chosen[name].to_numpy()) for name in chosen.columns}
    answers = session.ask(session.intake.take(_given(session, inputs)))
    for name, answer in answers.items():
        if answer.dtype.kind == "f" and not np.isfinite(answer).all():
            message = (
                f"the model's output {name!r} is not finite on rows of the data, some of which lack values; make one "
                "that answers them"
            )
            raise UserError("InvalidModel", message, "spec.trainer")
    return Example(inputs=inputs, outputs={name: answer.tolist() for name, answer in answers.items()})


def _listed(values: np.ndarray) -> list[float | str | None]:
    if values.dtype.kind == "M":
        return list(shown(values))
    if values.dtype == object:
        return [str(value) for value in values]
    return [None if np.isnan(value) else value for value in values.tolist()]


def _given(session: Session, listed: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Returns the rows of an example, as a request for them would be read."""
    columns = {}
    for item in session.intake.inputs:
        values = listed[item.name]
        if item.type == "Timestamp":
            instants = [asked(value, item.format, item.time_zone) if value else "NaT" for value in values]
            columns[item.name] = np.array([np.datetime64(value, "us") for value in instants], dtype="M8[us]")
        elif item.datatype == "BYTES":
            columns[item.name] = np.array([value or "" for value in values], dtype=object)
        else:
            columns[item.name] = np.array(values, dtype=np.float64 if item.name in session.intake.wide else np.float32)
    return pd.DataFrame(columns)


def write(
    store: ArtifactStore,
    base_uri: str,
    data: bytes,
    task: Task,
    layout: str,
    session: Session,
    example_: Example,
    categories: dict[str, list[str]],
    format_: Format = "ONNX",
) -> tuple[str, str, int]:
    """Writes the model's file and last ``model.json``, which names it. Returns URI, digest and size in bytes."""
    manifest = ModelManifest(
        format=format_,
        task=task,
        file=FILES[format_],
        file_digest=sha256(data),
        file_bytes=len(data),
        layout=layout,
        signature=session.signature,
        example=example_,
        categories=categories,
        missing=session.intake.missing,
        features=session.intake.features,
    )
    plain = manifest.model_dump(mode="json", by_alias=True)
    json.dumps(plain, allow_nan=False)
    document = canonical(plain)
    digest = sha256(document)
    uri = f"{base_uri}/{digest.removeprefix('sha256:')}"
    store.put(f"{uri}/{manifest.file}", data)
    store.put(f"{uri}/{MODEL_JSON}", document)
    return uri, digest, len(data) + len(document)


def write_profile(store: ArtifactStore, uri: str, digest: str, session: Session, held_out: pd.DataFrame) -> None:
    """Writes beside a model what its answers on rows that it was not fitted on are distributed like."""
    signature = session.signature
    columns = profile.of_answers(signature.outputs, signature.classes, session.ask(held_out))
    data, _ = profile.document(digest, len(held_out), columns)
    store.put_first(f"{uri}/{PROFILE_JSON}", data)


def read(store: ArtifactStore, uri: str, digest: str) -> tuple[ModelManifest, Session, int]:
    """Reads a model from the store, checking every digest; returns its manifest, session and size in bytes. Raises
    UserError."""
    document = store.read(f"{uri}/{MODEL_JSON}", digest)
    try:
        manifest = parse(document)
    except ValueError as error:
        raise UserError("InvalidModel", f"{uri}/{MODEL_JSON} is not a model's description: {error}") from error
    data = store.read(f"{uri}/{manifest.file}", manifest.file_digest)
    return manifest, open_model(manifest, data), len(data) + len(document)


def parse(document: bytes) -> ModelManifest:
    """Reads the bytes of model.json as they are, without converting types. Raises ValueError."""
    return ModelManifest.model_validate_json(document, strict=True, by_alias=True, by_name=False)


def check_example(manifest: ModelManifest, session: Session) -> None:
    """Raises UserError unless the model gives the stored answers to its stored example."""
    rows = _given(session, manifest.example.inputs)
    for name, answer in session.ask(session.intake.take(rows)).items():
        if message := difference(name, answer, manifest.example.outputs.get(name, [])):
            raise UserError("ExampleDisagrees", message)
