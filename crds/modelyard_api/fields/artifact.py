"""Addresses in the artifact store, and the file that describes a model there.

The store is MLflow's artifact proxy. A URI ``mlflow-artifacts:/modelyard/<namespace>/<owner uid>/...`` is the HTTP
resource ``<tracking URL>/api/2.0/mlflow-artifacts/artifacts/modelyard/<namespace>/<owner uid>/...``.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from modelyard_api.fields.base import ColumnName, Model
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Signature

Format = Literal["ONNX", "Skops"]
FILES: dict[Format, str] = {"ONNX": "model.onnx", "Skops": "model.skops"}
SCHEME = "mlflow-artifacts:/"
MODEL_JSON, RESULT_JSON = "model.json", "result.json"
TRAIN_PARQUET, TEST_PARQUET = "train.parquet", "test.parquet"
_PART = re.compile(r"[A-Za-z0-9._-]{1,255}")
PROFILE_JSON = "profile.json"
"""Sketches of what lies beside it: of every column of a table, or of a model's answers on the held-out rows."""
REPORT_HTML = "report.html"
"""The page about the table beside it, for people."""


def folder(namespace: str, uid: str, *parts: str) -> str:
    """Returns the URI of one object's artifacts. It contains the uid, so that a reused name finds nothing old."""
    return SCHEME + "/".join(("modelyard", namespace, uid, *parts))


def progress_uri(result_uri: str) -> str:
    """Returns the URI of the folder where a pod tells how far it is, beside its result: the newest name is last."""
    return f"{result_uri.rpartition('/')[0]}/progress"


def listing_uri(base_uri: str, digest: str) -> str:
    """Returns the URI of a list of a source's files, in the folder of their Dataset. What it lists is what it is named
    after, so versions that are made of the same files share it."""
    return f"{base_uri}/listings/{digest.removeprefix('sha256:')}.json.gz"


def experiment(namespace: str, name: str) -> str:
    """Returns the name of an experiment in the tracking server: that of a Model, or of a run without one."""
    return f"modelyard/{namespace}/{name}"


def home(namespace: str) -> str:
    """Returns the URI below which all artifacts of a namespace lie."""
    return f"{SCHEME}modelyard/{namespace}/"


def is_of(namespace: str, uri: str) -> bool:
    """Whether a URI lies among the artifacts of a namespace, and its path means the same to everybody who reads it."""
    return uri.startswith(home(namespace)) and is_path(uri.removeprefix(home(namespace)))


def is_path(path: str) -> bool:
    """Whether this is a path in the store that means the same to everybody who reads it."""
    return all(_PART.fullmatch(part) and part not in (".", "..") for part in path.split("/"))


def memory(namespace: str, plural: str, name: str, *parts: str) -> str:
    """Returns the URI of what outlives the object of this name, for example ``.../team/models/species/numbers``."""
    return SCHEME + "/".join(("modelyard", namespace, plural, name, *parts))


def http_url(tracking_url: str, uri: str) -> str:
    """Returns the HTTP URL where the bytes of a URI are read and written. Raises ValueError for a URI of another store,
    or with an empty, '.' or '..' part."""
    if not uri.startswith(SCHEME):
        raise ValueError(f"artifact URI {uri!r}: only {SCHEME}... is known")
    path = uri.removeprefix(SCHEME).lstrip("/")
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"artifact URI {uri!r}: empty, '.' or '..' parts are not allowed")
    return f"{tracking_url.rstrip('/')}/api/2.0/mlflow-artifacts/artifacts/{quote(path)}"


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def canonical(document: Any) -> bytes:
    """Returns the canonical JSON form, of which digests are computed: sorted keys, no white space, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Example(Model):
    """A few rows with their answers: a server gets ready only after it has computed the same answers."""

    inputs: dict[str, list[float | str | None]] = Field(description="Column name to values; None is missing.")
    outputs: dict[str, list[Any]] = Field(description="Output name to values; probabilities are nested by row.")


Part = Literal["days", "month", "day", "weekday", "hour"]


class Feature(Model):
    """What the model's file takes of one input: a text or number as it is, a number less an offset, or a part of a
    time less an offset."""

    name: str = Field(max_length=160, description="Its name in the file.")
    column: ColumnName = Field(description="The input that it is made of.")
    part: Part | None = Field(
        None,
        description=(
            "Of a Timestamp: days since 2000-01-01 in UTC, or in its time zone month, day of the month, weekday "
            "(Monday is 0) or hour, with its fraction."
        ),
    )
    offset: float = Field(
        0.0, description="What is subtracted in double precision, so that single precision tells the values apart."
    )


class ModelManifest(Model):
    """``model.json``: everything about a model but its weights. The digest of its bytes is the artifact's digest."""

    format: Format = Field("ONNX", description="Skops: a scikit-learn pipeline that ONNX can't hold.")
    task: Task
    file: str = Field("model.onnx", description="The model's file, beside model.json.")
    file_digest: str
    file_bytes: int
    layout: Literal["Tensor", "Columns"] = Field(
        description="Tensor: one float32 input 'input' [rows, columns]. Columns: one input [rows, 1] a column."
    )
    signature: Signature
    example: Example
    categories: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Column name to the texts of the training rows; a column with more than 1000 is left out.",
    )
    missing: list[str] = Field(
        default_factory=list,
        max_length=128,
        description="The texts that count as missing beside null and an empty one.",
    )
    features: list[Feature] = Field(
        default_factory=list, description="What the file takes, in its order; none: the inputs as they are."
    )
