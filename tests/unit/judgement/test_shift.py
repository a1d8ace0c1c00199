"""Checks the distance of two distributions: its value, the part of it that is proven, and the message."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from modelyard.judgement.shift import shift
from modelyard_api.wire.distance import distance
from modelyard_api.wire.sketches import Column, merge
from tests.unit.judgement.samples import numbers, sketches, texts

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
        measured = distance(texts(one), texts(other), 0.001)
        assert measured.value == pytest.approx(value)
        assert value - 0.12 < measured.proven < value


def test_missing_is_a_text_and_less_than_all_numbers() -> None:
    assert distance(texts({"a": 500}, missing=500), texts({"a": 1000}), 0.001).value == pytest.approx(0.5)
    assert distance(numbers([1] * 500, missing=500), numbers([1] * 1000), 0.001).value == pytest.approx(0.5)
    assert distance(numbers([], missing=500), numbers([1] * 500, missing=500), 0.001).value == pytest.approx(0.5)
    equal = distance(numbers([], missing=500), numbers([], missing=500), 0.001)
    assert (equal.value, equal.proven < 0) == (0.0, True)


def test_more_texts_than_the_sketch_keeps() -> None:
    """Counts within the sketch's error prove nothing; a text that is frequent on one side alone does."""
    many = [{f"street {number}": 1 + 200 // (number + 1) for number in range(5000)} for _ in range(2)]
    many[1] = dict(reversed(many[1].items()))
    one, other = (texts(counts, role="Input") for counts in many)
    assert distance(one, other, 0.001).proven < 0.0
    shifted = texts(many[0] | {"new": 3000}, role="Input")
    assert 0.1 < distance(shifted, other, 0.001).proven < 3000 / shifted.count


@pytest.mark.parametrize("size", [200, 20_000])
@pytest.mark.parametrize(("mean", "value"), [(0.0, 0.0), (0.5, 0.197), (2.0, 0.683), (50.0, 1.0)])
def test_numbers(size: int, mean: float, value: float) -> None:
    one, other = numbers(RANDOM.normal(size=size)), numbers(RANDOM.normal(mean, size=size))
    measured = distance(one, other, 0.001)
    assert measured.value == pytest.approx(value, abs=0.13 if size == 200 else 0.03)
    assert measured.proven < value
    if size == 20_000 and value:
        assert measured.proven > value - 0.12


def test_few_different_numbers() -> None:
    measured = distance(numbers([0] * 70 + [1] * 30), numbers([0] * 50 + [1] * 50), 0.001)
    assert measured.value == pytest.approx(0.2), "all numbers are kept"
    assert measured.where == "at most 0: 0.7 of it, was 0.5"


def test_the_farthest_column_is_named() -> None:
    same = texts({"a": 500, "b": 500}, "kind")
    moved = [numbers([0.2] * 1000, "probabilities[a]"), numbers([0.4] * 1000, "probabilities[a]")]
    result = shift("Output", 0.2, sketches(1000, same, moved[0]), sketches(1000, same, moved[1]), 0.005)
    assert result.verdict == "Failed"
    assert result.message == (
        "probabilities[a] is 1 apart (1000 rows, stable: 1000), max 0.2; at most 0.2: 1 of it, was 0"
    )


@pytest.mark.parametrize(("limit", "verdict"), [(0.35, "Passed"), (0.25, "Inconclusive"), (0.1, "Failed")])
def test_verdicts(limit: float, verdict: str) -> None:
    one, other = texts({"a": 500, "b": 300, "c": 200}), texts({"a": 200, "b": 300, "c": 500})
    result = shift("Output", limit, sketches(1000, one), sketches(1000, other), 0.005)
    assert (result.verdict, result.message[:48]) == (verdict, "label is 0.3 apart (1000 rows, stable: 1000), ma")
    assert result.message.endswith("'a' is 0.5 of it, was 0.2") or result.message.endswith("'c' is 0.2 of it, was 0.5")


def test_clients_texts_are_not_told() -> None:
    one, other = texts({"secret": 1000}, "street", "Input"), texts({"other": 1000}, "street", "Input")
    result = shift("Input", 0.2, sketches(1000, one), sketches(1000, other), 0.005)
    assert (result.verdict, result.message) == ("Failed", "street is 1 apart (1000 rows, stable: 1000), max 0.2")


def test_only_columns_that_both_have_are_compared() -> None:
    one, other = texts({"a": 1000}), texts({"b": 1000})
    others: list[Column] = [
        dataclasses.replace(other, name="new"),
        dataclasses.replace(other, role="Input"),
        dataclasses.replace(numbers([1.0]), name="label"),
        dataclasses.replace(other, count=0, frequent=None),
    ]
    for column in others:
        result = shift("Output", 0.2, sketches(1000, one), sketches(1000, column), 0.005)
        assert (result.verdict, "no output in common" in result.message) == ("Inconclusive", True)


def test_merged_sketches_are_compared_too() -> None:
    parts = [sketches(100, texts({"a": 60, "b": 40}), numbers(RANDOM.normal(size=100))) for _ in range(30)]
    result = shift("Output", 0.1, merge(parts[:15]), merge(parts[15:]), 0.005)
    assert result.verdict == "Passed", result.message
