"""Types while a table streams: what the first batch looks like is guessed, and a wrong guess costs one more pass."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.reading import MISSING, Batch, NumberStyle, Reading
from modelyard_runtime.tables.types.typing import Typing
from tests.unit.runtime.types.typed import typed


@pytest.mark.parametrize(
    ("batches", "type_", "passes"),
    [
        ([["1", "2"], ["3", ""]], "Integer", 1),
        ([["1", "2"], ["3.5"]], "Float", 2),
        ([["1.5", "2"], ["3"]], "Float", 1),
        ([["1.0", "2.0"], ["3.5"]], "Float", 2),
        ([["", ""], ["1.5"]], "Float", 1),
        ([["", ""], ["1"]], "Integer", 2),
        ([["", ""], ["oak"]], "Category", 2),
        ([["1"] * 40, ["oak"] * 2], "Integer", 1),
        ([["1"] * 40, ["oak"] * 20], "Category", 2),
        ([["oak"] * 10, ["1"] * 10], "Category", 1),
        ([["oak"], ["1"] * 40], "Integer", 2),
        ([["true"] * 10, ["false", "true"]], "Boolean", 1),
        ([["true"] * 10, ["maybe"]], "Category", 2),
        ([["2026-01-01"], ["2026-01-02T10:00Z"]], "Timestamp", 1),
        ([["2026-01-01"] * 10, ["soon"] * 10], "Category", 2),
        ([["01/02/2026"] * 9, ["28/02/2026"]], "Timestamp", 2),
        ([["28/02/2026"] * 9, ["03/02/2026"]], "Timestamp", 1),
        ([["01234"], ["99999"] * 50], "Category", 1),
        ([["99999"] * 50, ["01234"]], "Category", 2),
        ([["9223372036854775807"], ["9223372036854775808"]], "Float", 2),
        ([[], ["1"], []], "Integer", 2),
        ([[], []], "Float", 1),
    ],
)  # fmt: skip
def test_a_guess_and_its_proof(batches: list[list[str]], type_: str, passes: int) -> None:
    result = typed([{"a": values, "b": ["x"] * len(values)} for values in batches])
    assert (result.types["a"], result.passes) == (type_, passes)
    assert result.types["b"] == ("Category" if any(batches) else "Float")


def test_a_batch_gives_the_same_values_whatever_batches_it_comes_in() -> None:
    values = ["1.5", " 2", "NA", "3e2", "", "\u22124", "inf"] * 5
    whole = typed([{"a": values}])
    parts = typed([{"a": values[start : start + 3]} for start in range(0, len(values), 3)])
    assert whole.columns == parts.columns
    assert whole.columns["a"][:7] == [1.5, 2.0, None, 300.0, None, -4.0, float("inf")]


@pytest.mark.parametrize("before", [[], ["Bad Input"], ["?", "?"]])
def test_few_words_among_numbers_are_a_violation(before: list[str]) -> None:
    numbers = [f"{index}.5" for index in range(100)]
    result = typed([{"a": [*before, *numbers[:50]]}, {"a": [*numbers[50:], "Bad Input", "?"]}])
    assert result.types["a"] == "Float"
    violation = result.violations[0]
    assert violation.rule == "type Float"
    assert violation.found.startswith(f"{len(before) + 2} of {len(before) + 102} values are not, the first in row ")
    assert "spec.source.csv.missing" in violation.found
    assert violation.rows[-1] == 102 + len(before) + (1 if "?" not in before else 0)
    assert violation.file == "t.csv"
    assert result.columns["a"][-2:] == [None, None]


@pytest.mark.parametrize("words", [["oak", "ash"] * 20, [f"w{index}" for index in range(11)]])
def test_many_words_among_numbers_are_categories(words: list[str]) -> None:
    result = typed([{"a": [str(index) for index in range(100)] + words}])
    assert (result.types["a"], result.reasons) == ("Category", ["MostlyNumbers"])
    assert result.doubts[0].row == 102


PREVIOUS = [
    {"name": "n", "type": "Integer"}, {"name": "c", "type": "Category"},
    {"name": "t", "type": "Timestamp", "format": "%d.%m.%Y", "timeZone": "Europe/Berlin"},
]  # fmt: skip


def test_the_types_of_the_last_version_hold() -> None:
    batch = {"n": ["1.0", "07", ""], "c": ["1", "2", "3"], "t": ["01.02.2026", "02.07.2026", ""]}
    result = typed([batch], previous=PREVIOUS)
    assert result.types == {"n": "Integer", "c": "Category", "t": "Timestamp"}
    assert result.columns["n"] == [1, 7, None]
    assert result.columns["c"] == ["1", "2", "3"]
    assert [str(moment)[:16] for moment in result.columns["t"][:2]] == ["2026-01-31 23:00", "2026-07-01 22:00"]
    assert result.violations == []


def test_what_does_not_fit_the_last_version_is_a_violation_with_its_row() -> None:
    batches = [
        {"n": ["1", "2"], "c": ["x", "y"], "t": ["01.02.2026", "x"]},
        {"n": ["3", "4.5"], "c": ["", ""], "t": ["", ""]},
    ]
    result = typed(batches, previous=PREVIOUS)
    assert [(item.column, item.examples, item.rows) for item in result.violations] == [
        ("n", ["4.5"], [5]),
        ("t", ["x"], [3]),
    ]
    assert result.columns["n"] == [1, 2, 3, None]


@pytest.mark.parametrize(
    ("was", "batches", "type_", "passes"),
    [
        ("Integer", [["1"] * 9, ["2.5"] * 9], "Float", 2),
        ("Integer", [["1.5", "2"]], "Float", 1),
        ("Integer", [["1", "2"], ["3", "007"]], "Integer", 1),
        ("Float", [["oak", "ash"]], "Category", 1),
        ("Float", [["1.5"] * 40, ["Bad Input"]], "Float", 1),
        ("Category", [["1", "2"]], "Category", 1),
        ("Timestamp", [["2026-01-02"], ["soon"]], "Category", 2),
    ],
)
def test_a_type_that_may_change_does_so_if_a_value_is_not_of_it(
    was: str, batches: list[list[str]], type_: str, passes: int
) -> None:
    previous = [{"name": "a", "type": was}]
    given = [{"a": values} for values in batches]
    result = typed(given, previous=previous, validation={"columnChanges": "Allow"})
    assert (result.types["a"], result.passes) == (type_, passes)
    stored = [{"a": pa.array(values)} for values in batches] if was == "Category" else given
    assert typed(stored, previous=previous, validation={"columnChanges": "Allow"}).types["a"] == type_


def test_a_file_with_types_may_change_them_too() -> None:
    previous, allowed = [{"name": "a", "type": "Integer"}], {"columnChanges": "Allow"}
    batches = [{"a": pa.array([1, 2])}, {"a": pa.array([1.5, 2.5])}]
    assert typed(batches, text=False, previous=previous, validation=allowed).types == {"a": "Float"}
    assert typed(batches, text=False, previous=previous).violations[0].rows == [4, 5]


def test_of_a_column_that_had_no_value_nothing_was_known() -> None:
    assert typed([{"a": ["oak"]}], previous=[{"name": "a", "type": "Float", "distinct": 0}]).types == {"a": "Category"}


def test_numbers_in_a_column_that_was_one_of_categories_are_told() -> None:
    result = typed([{"c": ["1,5", "2,5"]}], style=NumberStyle(",", ""), previous=PREVIOUS[1:2])
    assert (result.types["c"], result.reasons) == ("Category", ["NumbersAsText"])
    assert "as in the last version" in result.doubts[0].message
    rule = [{"name": "c", "type": "Float"}]
    assert typed([{"c": ["1,5", "2,5"]}], style=NumberStyle(",", ""), previous=PREVIOUS[1:2], columns=rule).columns == {
        "c": [1.5, 2.5]
    }


def test_a_declaration_wins_over_the_last_version() -> None:
    columns = [{"name": "n", "type": "Category"}]
    assert typed([{"n": ["1", "x"]}], previous=PREVIOUS[:1], columns=columns).types == {"n": "Category"}


@pytest.mark.parametrize("previous", [None, [{"name": "n", "type": "Float"}]])
def test_a_column_whose_values_all_are_of_another_type_is_refused(previous: Any) -> None:
    columns = [] if previous else [{"name": "n", "type": "Float"}]
    with pytest.raises(UserError, match="none of its 2 values is: 'oak' in row 2, 'ash' in row 3") as caught:
        typed([{"n": ["oak", "ash"]}], previous=previous, columns=columns)
    assert caught.value.reason == "ColumnType"


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("Boolean", ["1", "0.0", "Yes", "off", "T", ""], [True, False, True, False, True, None]),
        ("Boolean", ["1.0", "maybe"], [True, None]),
        ("Integer", ["3.0", "+5", "007", "12."], [3, 5, 7, 12]),
        ("Integer", ["3", "3.5", "1e3", "0x1F", "9223372036854775808"], [3, None, None, None, None]),
        ("Float", ["+1.5", "007", "1e3"], [1.5, 7.0, 1000.0]),
        ("Float", ["1", "0x1F", "nan(1)", "1d3"], [1.0, None, None, None]),
        ("Category", ["1", " x", "007", "NA"], ["1", "x", "007", None]),
        ("Identifier", ["1", "0012"], ["1", "0012"]),
        ("Text", ["e\u0301", "\u00e9"], ["\u00e9", "\u00e9"]),
    ],
)
def test_a_declared_type(type_: str, values: list[str], expected: list[Any]) -> None:
    result = typed([{"a": values}], columns=[{"name": "a", "type": type_}])
    assert result.columns["a"] == expected
    assert len(result.violations) == (1 if expected.count(None) > values.count("") + values.count("NA") else 0)


@pytest.mark.parametrize(
    ("column", "type_", "expected"),
    [
        (pa.array([1, 2, None]), "Integer", [1, 2, None]),
        (pa.array([1.0, 2.0, None]), "Integer", [1, 2, None]),
        (pa.array([1.5, float("nan")]), "Float", [1.5, None]),
        (pa.array([True, None]), "Boolean", [True, None]),
        (pa.array(["1234", "", " x"]), "Category", ["1234", None, "x"]),
        (pa.array(["true", "NA"]), "Category", ["true", "NA"]),
        (pa.array([None, None]), "Float", [None, None]),
        (pa.array([2**63 + 5, 2**63 + 9], pa.uint64()), "Float", [float(2**63 + 5), float(2**63 + 9)]),
        (pa.array([7], pa.uint64()), "Integer", [7]),
        (pa.array(["a", "b"]).dictionary_encode(), "Category", ["a", "b"]),
    ],
)
def test_columns_of_files_with_types(column: pa.Array, type_: str, expected: list[Any]) -> None:
    result = typed([{"a": column}], text=False)
    assert (result.types["a"], result.columns["a"]) == (type_, expected)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["2026-03-01T10:00:00Z", "2026-03-01T11:00:00+01:00"]),
        pa.array([1772359200000, 1772359200000], pa.timestamp("ms")),
        pa.array([1772359200000000000] * 2, pa.timestamp("ns", "Europe/Berlin")),
    ],
)
def test_the_same_instants_are_the_same_however_they_are_kept(column: pa.Array) -> None:
    result = typed([{"a": column}], text=False)
    assert result.types["a"] == "Timestamp"
    assert {str(moment) for moment in result.columns["a"]} == {"2026-03-01 10:00:00+00:00"}


def test_local_times_that_clocks_skip_or_repeat_are_told() -> None:
    values = ["2026-03-29 02:30", "2026-10-25 02:30", "2026-10-25 04:30"]
    zone = [{"name": "a", "type": "Timestamp", "timeZone": "Europe/Berlin"}]
    for texts in (values, [value[8:10] + "." + value[5:7] + ".2026 " + value[11:] for value in values]):
        columns = zone if texts is values else [zone[0] | {"format": "%d.%m.%Y %H:%M"}]
        result = typed([{"a": texts}], columns=columns)
        assert [str(moment)[11:16] for moment in result.columns["a"]] == ["01:30", "00:30", "03:30"]
        assert [(doubt.reason, doubt.count, doubt.row) for doubt in result.doubts] == [
            ("TimesSkipped", 1, 2),
            ("TimesTwice", 1, 3),
        ]


@pytest.mark.parametrize(
    ("style", "values", "expected"),
    [
        (NumberStyle(",", "."), ["1.234,5", "2,5", "1.234", "1234"], [1234.5, 2.5, 1234.0, 1234.0]),
        (NumberStyle(",", ""), ["2,5", "3", "4,"], [2.5, 3.0, 4.0]),
        (NumberStyle(".", ","), ["1,234.5", "2.5", "1,234,567"], [1234.5, 2.5, 1234567.0]),
        (NumberStyle(".", "'"), ["1\u2019234.5", "1'234", "7"], [1234.5, 1234.0, 7.0]),
        (NumberStyle(",", " "), ["1\u202f234,5", "1 234", "7"], [1234.5, 1234.0, 7.0]),
        (NumberStyle(",", "."), ["1.234", "2.345.678", "-5"], [1234, 2345678, -5]),
    ],
)
def test_numbers_in_the_style_of_the_file(style: NumberStyle, values: list[str], expected: list[Any]) -> None:
    for batches in ([values], [values[:1], values[1:]]):
        result = typed([{"a": batch} for batch in batches], style=style)
        assert (result.columns["a"], result.violations) == (expected, [])


def test_a_point_is_no_decimal_comma() -> None:
    values = [f"{index},5" for index in range(30)] + ["1.5"]
    result = typed([{"a": values}], style=NumberStyle(",", ""))
    assert (result.types["a"], result.violations[0].examples) == ("Float", ["1.5"])


def test_a_number_that_counts_as_missing_is_missing_everywhere() -> None:
    batches = [{"a": ["1", "-999", "2"]}, {"a": ["-999", "3"]}]
    assert typed(batches, missing=("", "-999")).columns["a"] == [1, None, 2, None, 3]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"type": "Timestamp", "format": "%H:%M"}, "InvalidFormat"),
        ({"type": "Timestamp", "format": "%Q"}, "InvalidFormat"),
        ({"type": "Timestamp", "timeZone": "Mars/Olympus"}, "InvalidTimeZone"),
    ],
)
def test_a_declaration_that_can_not_be_followed(rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError) as caught:
        typed([{"a": ["x"]}], columns=[{"name": "a", **rule}])
    assert caught.value.reason == reason


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(UserError, match="'b' is not known"):
        typed([{"a": ["x"]}], columns=[{"name": "b", "type": "Float"}])


def test_an_ignored_column_is_left_out() -> None:
    assert typed([{"a": ["x"], "b": ["1"]}], ignore=["b"]).types == {"a": "Category"}


@pytest.mark.parametrize("text", [True, False])
def test_later_batches_of_words_come_with_their_encoding(text: bool) -> None:
    words = ["oak", " elm", "", "NA", "\u00e9", "e\u0301"]
    batches = [Batch(pa.record_batch({"a": words * 400, "n": ["1"] * 2400}), "t.csv", 2 + 2400 * n, 0) for n in (0, 1)]
    reading = Reading(["a", "n"], text, NumberStyle(), MISSING if text else ("",), 0, lambda: iter(batches))
    typing = Typing(reading, DatasetSpec.model_validate({"source": {"pushed": {}}}))
    given = [(typing.typed(batch), typing.encoded()) for batch in batches]
    assert typing.settled()
    missing = None if text else "NA"
    assert [rows.column("a")[:6].to_pylist() for rows, _ in given] == [
        ["oak", "elm", None, missing, "\u00e9", "\u00e9"]
    ] * 2
    (_, first), (rows, later) = given
    assert "a" not in first
    assert later["a"].dictionary_decode() == rows.column("a")
    assert "".join(later["a"].dictionary.to_pylist()) == f"oakelm{missing or ''}\u00e9"


def test_later_numbers_beside_missing_ones_count_the_words() -> None:
    numbers = [["1.5", ""], ["", "2", "NaN", "nan"], ["3", "NA", ""]]
    result = typed([*({"a": values * 20} for values in numbers), {"a": ["oak", "elm", "ash"] * 1000}])
    assert (result.types["a"], result.passes) == ("Category", 2)
    (doubt,) = [doubt for doubt in result.doubts if doubt.reason == "MissingWords"]
    assert doubt.count == 60
