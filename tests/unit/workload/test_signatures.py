"""Checks that each difference between two signatures that a client could notice is named, with both sides."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.workload.signatures import changes
from modelyard_api.fields.signature import Signature

READING = {"name": "reading", "datatype": "FP32"}
UNIT = {"name": "unit", "datatype": "BYTES"}
LABEL = {"name": "label", "datatype": "BYTES", "shape": [-1]}
TWO = {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}
THREE = TWO | {"shape": [-1, 3]}


def signature(**change: Any) -> Signature:
    base = {"inputs": [READING, UNIT], "outputs": [LABEL, TWO], "classes": ["a", "b"]}
    return Signature.model_validate(base | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"inputs": [READING | {"datatype": "BYTES"}, UNIT]}, "input 'reading' is BYTES, was FP32"),
        ({"inputs": [READING]}, "input 'unit' (BYTES) is gone"),
        ({"inputs": [READING, UNIT, {"name": "at", "datatype": "FP32"}]}, "input 'at' (FP32) is new"),
        (
            {"inputs": [READING | {"name": "value"}, UNIT]},
            "input 'value' (FP32) is new; input 'reading' (FP32) is gone",
        ),
        ({"inputs": [UNIT, READING]}, "the order differs: input 1 is 'unit', was 'reading'"),
        ({"outputs": [LABEL]}, "output 'probabilities' (FP32 [-1, 2]) is gone"),
        ({"outputs": [LABEL | {"datatype": "INT64"}, TWO]}, "output 'label' is INT64 [-1], was BYTES [-1]"),
        ({"outputs": [LABEL, THREE], "classes": ["a", "b", "c"]}, "class 'c' is new"),
        ({"classes": ["b", "a"]}, "the order differs: class 1 is 'b', was 'a'"),
        ({"outputs": [LABEL, TWO], "classes": ["a", "c"]}, "class 'c' is new; class 'b' is gone"),
    ],
)
def test_changes(change: dict[str, Any], message: str | None) -> None:
    assert changes(signature(), signature(**change)) == message


def test_many_changes_of_long_names_are_told_in_part() -> None:
    wide = signature(inputs=[{"name": f"{number:03}" + "x" * 125, "datatype": "FP32"} for number in range(1000)])
    classes = signature(classes=[f"{number:03}" + "y" * 250 for number in range(1000)])
    for one, other in ((signature(), wide), (wide, signature()), (signature(), classes)):
        message = changes(one, other)
        assert message is not None
        assert len(message) < 1024
        assert "changes more" in message
