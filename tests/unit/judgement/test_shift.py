"""Distances of distributions: known ones, what is proven of them, what is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from modelyard.judgement.shift import distance, shift
from modelyard_api.wire.sketches import Column, merge
from tests.unit.judgement.made import numbers, seen, texts

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ({"a": 500, "b": 500}, {"a": 500, "b": 500}, 0.0),
        ({"a": 700, "b": 300}, {"a": 500, "b": 500}, 0.2),
        ({"a": 500, "b": 300, "c": 200}, {"a": 200, "b": 300, "c": 500}, 0.3),
        ({"a": 1000}, {"b": 1000}, 1.0),
        ({"a": 100, "b": 900}, {"b": 10_000}, 0.1),
    ],
)
def test_texts(first: dict[str, int], second: dict[str, int], value: float) -> None:
    for one, other in ((first, second), (second, first)):
        found = distance(texts(one), texts(other), 0.001)
        assert found.value == pytest.approx(value)
        assert value - 0.12 < found.proven < value or found.proven == 0 == value


def test_missing_is_a_text_and_less_than_all_numbers() -> None:
    assert distance(texts({"a": 500}, missing=500), texts({"a": 1000}), 0.001).value == pytest.approx(0.5)
    assert distance(numbers([1] * 500, missing=500), numbers([1] * 1000), 0.001).value == pytest.approx(0.5)
    assert distance(numbers([], missing=500), numbers([1] * 500, missing=500), 0.001).value == pytest.approx(0.5)
    found = distance(numbers([], missing=500), numbers([], missing=500), 0.001)
    assert (found.value, found.proven < 0) == (0.0, True)


def test_more_texts_than_the_sketch_keeps() -> None:
    """What the sketch may be wrong about proves nothing; a text that is frequent in one alone does."""
    many = [{f"street {number}": 1 + 200 // (number + 1) for number in range(5000)} for _ in range(2)]
    many[1] = dict(reversed(many[1].items()))
    one, other = (texts(counts, role="Input") for counts in many)
    assert distance(one, other, 0.001).proven == 0.0
    shifted = texts(many[0] | {"new": 3000}, role="Input")
    assert 0.1 < distance(shifted, other, 0.001).proven < 3000 / shifted.count


@pytest.mark.parametrize("size", [200, 20_000])
@pytest.mark.parametrize(("mean", "value"), [(0.0, 0.0), (0.5, 0.197), (2.0, 0.683), (50.0, 1.0)])
def test_numbers(size: int, mean: float, value: float) -> None:
    one, other = numbers(RANDOM.normal(size=size)), numbers(RANDOM.normal(mean, size=size))
    found = distance(one, other, 0.001)
    assert found.value == pytest.approx(value, abs=0.13 if size == 200 else 0.03)
    assert found.proven < value
    if size == 20_000 and value:
        assert found.proven > value - 0.12


def test_few_different_numbers() -> None:
    found = distance(numbers([0] * 70 + [1] * 30), numbers([0] * 50 + [1] * 50), 0.001)
    assert found.value == pytest.approx(0.2), "all numbers are kept"
    assert found.where == "at most 0: 0.7 of it, was 0.5"


def test_the_farthest_column_is_named() -> None:
    same = texts({"a": 500, "b": 500}, "kind")
    moved = [numbers([0.2] * 1000, "probabilities[a]"), numbers([0.4] * 1000, "probabilities[a]")]
    found = shift("Output", 0.2, seen(1000, same, moved[0]), seen(1000, same, moved[1]), 0.005)
    assert found.verdict == "Failed"
    assert found.message == (
        "probabilities[a] is 1 apart (1000 rows, stable: 1000), max 0.2; at most 0.2: 1 of it, was 0"
    )


@pytest.mark.parametrize(("limit", "verdict"), [(0.35, "Passed"), (0.25, "Inconclusive"), (0.1, "Failed")])
def test_verdicts(limit: float, verdict: str) -> None:
    one, other = texts({"a": 500, "b": 300, "c": 200}), texts({"a": 200, "b": 300, "c": 500})
    found = shift("Output", limit, seen(1000, one), seen(1000, other), 0.005)
    assert (found.verdict, found.message[:48]) == (verdict, "label is 0.3 apart (1000 rows, stable: 1000), ma")
    assert found.message.endswith("'a' is 0.5 of it, was 0.2") or found.message.endswith("'c' is 0.2 of it, was 0.5")


def test_clients_texts_are_not_told() -> None:
    one, other = texts({"secret": 1000}, "street", "Input"), texts({"other": 1000}, "street", "Input")
    found = shift("Input", 0.2, seen(1000, one), seen(1000, other), 0.005)
    assert (found.verdict, found.message) == ("Failed", "street is 1 apart (1000 rows, stable: 1000), max 0.2")


def test_only_columns_that_both_have_are_compared() -> None:
    one, other = texts({"a": 1000}), texts({"b": 1000})
    others: list[Column] = [
        dataclasses.replace(other, name="new"),
        dataclasses.replace(other, role="Input"),
        dataclasses.replace(numbers([1.0]), name="label"),
        dataclasses.replace(other, count=0, frequent=None),
    ]
    for column in others:
        found = shift("Output", 0.2, seen(1000, one), seen(1000, column), 0.005)
        assert (found.verdict, "no output in common" in found.message) == ("Inconclusive", True)


def test_merged_sketches_are_compared_too() -> None:
    parts = [seen(100, texts({"a": 60, "b": 40}), numbers(RANDOM.normal(size=100))) for _ in range(30)]
    found = shift("Output", 0.1, merge(parts[:15]), merge(parts[15:]), 0.005)
    assert found.verdict == "Passed", found.message
