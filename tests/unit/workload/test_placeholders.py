"""Checks how placeholders are found and replaced."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.workload.pipelines.placeholders import Unresolved, names, resolved, typed

VALUES = {"a": "1", "b": "x y", "none": None, "big": "1e400", "true": "true", "nested": "$(a)"}
FREE = (("params",),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(a)", ["a"]),
        ("$(a)-$(b)", ["a", "b"]),
        ("$$(a)", []),
        ("$$$(a)", []),
        ("$(a", []),
        ("$()", [""]),
        ("$(date +%s)", ["date +%s"]),
        ("$a ${b}", []),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"x": "$(a)"}, {"x": "1"}),
        ({"x": ["$(b)", "pre-$(a)-post", 5]}, {"x": ["x y", "pre-1-post", 5]}),
        ({"x": "$$(a)"}, {"x": "$(a)"}),
        ({"x": "$(nested)"}, {"x": "$(a)"}),
        ({"x": "$(none)", "y": ["$(none)", "z"]}, {"y": ["z"]}),
        (
            {"params": {"n": "$(a)", "t": "$(true)", "s": "$(b)", "f": "$(a)0"}},
            {"params": {"n": 1, "t": True, "s": "x y", "f": "10"}},
        ),
        (
            {"params": {"n": "$(big)", "deep": [{"n": "$(a)"}], "null": None}},
            {"params": {"n": "1e400", "deep": [{"n": 1}], "null": None}},
        ),
        ({"$(a)": "b"}, {"$(a)": "b"}),
    ],
)
def test_values(spec: Any, expected: Any) -> None:
    assert resolved(spec, VALUES, FREE) == expected


def test_texts_become_whole_numbers_where_they_were_read_as_such() -> None:
    spec = {"a": "5", "b": {"c": ["7", "x"]}, "d": "5", "e": {"f": "1"}, "g": "true", "h": 3}
    valid = {"a": 5, "b": {"c": [7, "x"]}, "d": "5", "g": True, "h": 3, "more": 1}
    assert typed(spec, valid) == {"a": 5, "b": {"c": [7, "x"]}, "d": "5", "e": {"f": "1"}, "g": True, "h": 3}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"x": "$(c)"}, r"x: \$\(c\) has no value"),
        ({"x": [{"y": "v-$(none)"}]}, r"x\[0\].y: \$\(none\) has no value in this run"),
    ],
)
def test_what_has_no_value_is_told(spec: Any, says: str) -> None:
    with pytest.raises(Unresolved, match=says):
        resolved(spec, VALUES, ())
