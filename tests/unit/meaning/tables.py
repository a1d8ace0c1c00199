"""Draws whole tables: a file with its declaration, a second file that is scored, and requests for the same rows."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.meaning.columns import KINDS, Column, booleans, categories, note

Row = dict[str, Any]
NAMES = ["a", "at", "at.days", "gr\u00f6\u00dfe", "two words", "x,y", 'quo"te', "1", "__class__"]
FOREST = ("DecisionTree", {"max_depth": 4})
LINES = {"Classifier": ("LogisticRegression", {"max_iter": 50}), "Regressor": ("Ridge", {})}


@dataclass(frozen=True)
class Drawn:
    """``rows`` are the values that a model is trained on, ``text`` is their file, ``news`` are others to ask with.

    ``target`` is the name of a column, ``algorithm`` and ``params`` are those of a quick estimator.
    """

    seed: int
    columns: list[Column]
    target: str
    rows: list[Row]
    text: str
    news: list[Row]
    algorithm: str
    params: dict[str, Any]
    missing: list[str] | None
    """``missing`` are the words that count as missing, if the Dataset names them."""

    @property
    def features(self) -> list[Column]:
        return [column for column in self.columns if column.name != self.target and column.type not in ("Text",)]

    def declarations(self) -> list[dict[str, Any]]:
        own = [{"name": column.name, **column.declared} for column in self.columns if column.declared]
        return [{"name": "row", "type": "Identifier"}, *own]

    def scored(self) -> str:
        """Returns the file of the rows to ask with, which spells them in its own ways."""
        columns = [column for column in self.columns if column.name != self.target]
        return written(random.Random(self.seed + 1), columns, self.news)


def draw(seed: int) -> Drawn:
    rng = random.Random(seed)
    missing = rng.choice([None, None, ["??", "--", "k.A."], [""]])
    names = rng.sample(NAMES, rng.randint(1, 5))
    columns = [rng.choice(KINDS)(rng, name) for name in names]
    if missing is not None:
        columns.append(categories(rng, "country", ["NA", "None", "DE"]))
    if rng.random() < 0.2:
        columns.append(note("note"))
    kind = rng.choice([categories, booleans, _classes, _values])
    target = kind(rng, "y")
    columns.append(Column(target.name, target.type, target.draw, target.write, target.ask, target.declared, gaps=0))
    rng.shuffle(columns)
    rows = [{column.name: column.value(rng) for column in columns} for _ in range(rng.randint(40, 70))]
    for index, column in enumerate(columns):  # each column has a value, and the target has two
        rows[index][column.name] = column.draw(rng)
    first = rows[0]["y"]
    while all(row["y"] == first for row in rows):
        rows[-1]["y"] = target.draw(rng)
    news = [{column.name: column.value(rng) for column in columns} for _ in range(6)]
    for row in news[:2]:
        for column in columns:
            if column.type == "Category" and column.name != "y" and rng.random() < 0.3:
                row[column.name] = "never s\u00e9en"
    suffix = "Regressor" if kind is _values else "Classifier"
    is_wild = any(column.wild for column in columns)
    algorithm, params = FOREST if is_wild or rng.random() < 0.5 else LINES[suffix]
    name = f"{algorithm}{suffix}" if algorithm == "DecisionTree" else algorithm
    if missing is not None:
        columns = [replace(column, missing=tuple({"", *missing})) for column in columns]
    return Drawn(seed, columns, "y", rows, written(rng, columns, rows), news, name, params, missing)


def _classes(rng: random.Random, name: str) -> Column:
    classes = rng.sample([-3, 0, 1, 2, 7, 40_000_000], rng.randint(2, 4))
    return Column(
        name, "Integer", lambda rng: rng.choice(classes), lambda _, value: str(value), lambda _, value: ("INT64", value)
    )


def _values(rng: random.Random, name: str) -> Column:
    def draw(rng: random.Random) -> float:
        return round(rng.gauss(0, 10), 3) + 0.0005

    return Column(name, "Float", draw, lambda _, value: repr(value), lambda _, value: ("FP64", value))


def written(rng: random.Random, columns: list[Column], rows: list[Row]) -> str:
    """Returns a CSV file of the rows, with a column ``row`` that counts them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", *(column.name for column in columns)])
    for index, row in enumerate(rows):
        writer.writerow([f"r-{index}", *(column.written(rng, row[column.name]) for column in columns)])
    return out.getvalue()
