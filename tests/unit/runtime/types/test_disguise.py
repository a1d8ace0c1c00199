"""Columns that are the target in disguise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.runtime.types.typed import typed

CLASSES = ["big", "small", "big", "big", "small", "small"] * 10
NUMBERS = [str(index * 7 % 60 + 0.5) for index in range(60)]


@pytest.mark.parametrize(
    ("column", "target", "told"),
    [
        ([text.upper() for text in CLASSES], CLASSES, True),
        (["1" if text == "big" else "0" for text in CLASSES], CLASSES, True),
        (["1.5" if text == "big" else "2.5" for text in CLASSES], CLASSES, True),
        (["true" if text == "big" else "false" for text in CLASSES], CLASSES, True),
        ([f"{text}{index % 3}" for index, text in enumerate(CLASSES)], CLASSES, True),
        ([f"{text}{index % 30}" for index, text in enumerate(CLASSES)], CLASSES, False),
        ([text.upper() for text in CLASSES[:59]] + ["SMALL" if CLASSES[59] == "big" else "BIG"], CLASSES, False),
        ([text.upper() if index % 2 else "" for index, text in enumerate(CLASSES)], CLASSES, True),
        (["x"] * 60, CLASSES, False),
        ([text.upper() for text in CLASSES[:18]], CLASSES[:18], False),
        ([str(float(number) * 1.8 + 32) for number in NUMBERS], NUMBERS, True),
        ([str(float(number) ** 2) for number in NUMBERS], NUMBERS, False),
        ([str(int(float(number)) + 1) for number in NUMBERS], [str(int(float(number))) for number in NUMBERS], True),
    ],
)
@pytest.mark.parametrize("parts", [1, 3])
def test_a_column_that_determines_the_target(column: list[str], target: list[str], told: bool, parts: int) -> None:
    size = -(-len(column) // parts) if target is not NUMBERS and "." not in column[0] else len(column)
    batches: list[dict[str, Any]] = [
        {"a": column[start : start + size], "y": target[start : start + size]} for start in range(0, len(column), size)
    ]
    result = typed(batches, target="y")
    assert [doubt.column for doubt in result.doubts if doubt.reason == "TargetInDisguise"] == ["a"] * told
    assert typed(batches).reasons.count("TargetInDisguise") == 0


def test_a_target_of_texts_is_a_category() -> None:
    texts = [f"the customer called {index} times about it" for index in range(30)]
    result = typed([{"a": ["1", "2", "3"] * 10, "y": texts}], target="y")
    assert result.types["y"] == "Category"
    assert result.reasons == ["ManyCategories"]
