"""Makes a version of a typed table: its digest, its verdict by the Dataset's rules, and its two parts in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.artifact import PROFILE_JSON, TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import StoredFile
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables import profile
from modelyard_runtime.tables.columns import describe
from modelyard_runtime.tables.digest import content_digest, version_id
from modelyard_runtime.tables.report import kept as report
from modelyard_runtime.tables.report.material import Material, sample_size
from modelyard_runtime.tables.split import held_out
from modelyard_runtime.tables.validate import not_finite, validate


class Part(NamedTuple):
    """A file of a version in the store."""

    bytes: int
    digest: str


Write = Callable[[str, pa.Array], Part]
"""Writes the rows for which a mask is True to a URI, as Parquet."""
Put = Callable[[str, bytes], None]
"""Writes bytes to a URI where nothing is."""


def versioned(
    table: profile.Columns,
    types: dict[str, str],
    spec: DatasetSpec,
    lost: float,
    base_uri: str,
    write: Write,
    put_first: Put,
    dataset: str,
) -> dict[str, Any]:
    """Writes both parts of the table, its profile and its report below ``base_uri``; returns what its TableResult says.

    Raises UserError. ``lost`` is the share of rows that were left out because they have no target;
    ``dataset`` is the Dataset's name.
    """
    if spec.target is not None:
        _check_target(table, types, spec.target)
    digest = content_digest(table, types)
    id_ = version_id(digest, types, spec, lost)
    uri = f"{base_uri}/{id_}"
    unusable = not_finite(table)
    violations = [*unusable, *validate(table, spec, lost)]
    mask = _held_out(table, types, spec)
    rows = {TRAIN_PARQUET: ~mask, TEST_PARQUET: mask}
    parts = {name: write(f"{uri}/{name}", pa.array(chosen)) for name, chosen in rows.items()}
    sketches = list(profile.columns_of(table, types))
    put_first(f"{uri}/{PROFILE_JSON}", profile.document_of(sketches, len(table), digest))
    accepted = not unusable and (not violations or spec.validation.on_failure == "Warn")
    say(f"version {id_[:10]}: {'accepted' if accepted else 'rejected'}, {len(violations)} rules broken")
    columns, held = describe(table, types), int(mask.sum())

    def material() -> Material:
        first = sample_size(len(columns))
        sample = pa.table({name: table[name].slice(0, first) for name in types})
        dropped = round(len(table) * lost / (1 - lost))
        return Material(
            dataset, id_, digest, len(table), held, accepted, spec.target, columns, sketches, sample,
            dropped=dropped, violations=violations,
        )  # fmt: skip

    problem = report.keep(uri, material, put_first)
    return {
        "accepted": accepted,
        "version_id": id_,
        "uri": uri,
        "digest": digest,
        "rows": len(table),
        "test_rows": held,
        "bytes": sum(part.bytes for part in parts.values()),
        "files": [StoredFile(name=name, digest=part.digest) for name, part in parts.items()],
        "target": spec.target,
        "columns": columns,
        "violations": violations[:20],
        "profile": True,
        "report": problem is None,
        "report_problem": problem,
    }


def _held_out(table: profile.Columns, types: dict[str, str], spec: DatasetSpec) -> np.ndarray:
    """Returns the mask of the rows that are held out: none without a target, since there is nothing to score."""
    if spec.target is None:
        return np.zeros(len(table), dtype=bool)
    return held_out(table[spec.target], spec.split, types[spec.target])


def _check_target(table: profile.Columns, types: dict[str, str], target: str) -> None:
    """Raises UserError if nothing could be learnt."""
    if not len(table):
        message = f"no row has a value in the target column {target!r}; bring rows that do, or name another column"
        raise UserError("EmptyTable", message, "spec.target")
    values = pc.unique(table[target])
    if len(values) < 2:
        message = f"the target has one value alone, {values[0].as_py()!r}; a model needs at least two"
        raise UserError("SingleClass", message, "spec.target")
    if types[target] == "Category" and len(values) > 1000:
        message = f"the target has {len(values)} classes; at most 1000 are allowed. Is it an identifier?"
        raise UserError("TooManyClasses", message, "spec.target")
