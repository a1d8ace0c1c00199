"""Tables whose reports are tried, and the material of a report as an ingest pod has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from modelyard_api.kinds.datasetversion import VersionColumn
from modelyard_runtime.tables.report.material import Material, Parent, sample_size
from modelyard_runtime.tables.versions.chunk import numbered
from modelyard_runtime.tables.versions.describe import Description
from modelyard_runtime.tables.versions.profile import ProfileFold

TYPES = {pa.float64(): "Float", pa.int64(): "Integer", pa.bool_(): "Boolean", pa.string(): "Category"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    '=HYPERLINK("http://example.com";"x")',
    "{{ 7 * 7 }} {% raw %}",
    "\u202eright to left",
    "שלום עולם",
    "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "line\nbreak\x00\x1b[31m",
    "Z̸̧͈a̷l̶g̴o̵" * 6,
    "javascript:alert(1)",
    "\ud800",
)
"""Names of columns and texts that a page must show as what they are."""


def material_of(table: pa.Table, target: str | None = None, parent: pa.Table | None = None, **more: Any) -> Material:
    """Returns what an ingest pod knows of the table; its times are not profiled."""
    columns, sketches = _seen(table)
    return Material(**{
        "dataset": "birds",
        "version_id": "ab" * 32,
        "digest": f"sha256:{'cd' * 32}",
        "rows": len(table),
        "test_rows": len(table) // 5,
        "accepted": True,
        "target": target,
        "columns": columns,
        "sketches": sketches,
        "sample": table.slice(0, sample_size(table.num_columns)),
        "parent": None if parent is None else Parent("birds-0a1b2c3d4e", len(parent), _seen(parent)[1]),
        **more,
    })  # fmt: skip


def _seen(table: pa.Table) -> tuple[list[VersionColumn], list[Any]]:
    types: dict[str, Any] = {field.name: TYPES.get(field.type, "Timestamp") for field in table.schema}
    description, profile = Description(table.schema), ProfileFold(table.schema)
    for rows in table.combine_chunks().to_batches():
        chunk = numbered(rows, 1)
        description.update(chunk)
        profile.update(chunk)
    columns = description.end([VersionColumn.model_construct(name=name, type=type_) for name, type_ in types.items()])
    return columns, [column for column in profile.columns(types) if types[column.name] != "Timestamp"]


def birds(seed: int = 0, rows: int = 344) -> pa.Table:
    """Returns a table with a column of each type, whose ``species`` depends on most of the others."""
    random = np.random.default_rng(seed)
    species = random.integers(0, 3, rows)
    mass = np.round(random.normal(3700 + 700 * species, 450), -1)
    days = np.datetime64("2007-11-01") + np.sort(random.integers(0, 800, rows)).astype("timedelta64[D]")
    return pa.table({
        "species": pa.array(np.array(["Adelie", "Gentoo", "Chinstrap"])[species].tolist()),
        "island": pa.array(np.array(["Biscoe", "Dream", "Torgersen"])[random.integers(0, 3, rows)].tolist()),
        "body_mass_g": pa.array(mass, mask=random.random(rows) < 0.04),
        "eggs": pa.array(random.poisson(2, rows)),
        "price": pa.array(random.lognormal(3, 2, rows)),
        "year": pa.array(2007 + random.integers(0, 3, rows)),
        "seen_at": pa.array(days.astype("datetime64[us]")).cast(pa.timestamp("us", "UTC")),
        "tagged": pa.array(random.random(rows) < 0.3),
    })  # fmt: skip


def wide(columns: int, rows: int = 1500, seed: int = 1) -> pa.Table:
    """Returns a table of numbers, counts and categories, the last column of which, ``label``, depends on some."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, rows)
    kinds = {
        "temperature": lambda i: pa.array(random.normal(20 + i % 7 * label, 3)),
        "amount": lambda i: pa.array(random.lognormal(3, 2, rows)),
        "events": lambda i: pa.array(random.poisson(4 + label * (i % 3))),
        "region": lambda i: pa.array([f"region {number}" for number in random.integers(0, 14, rows)]),
    }
    names = list(kinds)
    made = {f"{names[i % 4]}_{i}": kinds[names[i % 4]](i) for i in range(columns - 1)}
    return pa.table({**made, "label": pa.array(np.array(["low", "medium", "high"])[label].tolist())})


def hostile(rows: int = 60) -> pa.Table:
    """Returns a table whose names and texts are hostile, and as long as they may be."""
    texts = [text.encode(errors="replace").decode() for text in HOSTILE]
    long = ["x" * 10_000, "<b>" * 3_333, "👩" * 10_000]
    values = [*texts, *long]
    columns = {
        text[:128]: pa.array([values[(i + j) % len(values)] for i in range(rows)]) for j, text in enumerate(texts)
    }
    names = {text[:128]: pa.array(np.arange(rows) * 1.5) for text in long}
    return pa.table({**columns, **names, "y": pa.array([values[i % 3] for i in range(rows)])})
