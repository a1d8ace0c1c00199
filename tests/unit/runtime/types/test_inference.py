"""What a column of texts is taken for, and what is told of it: a table of what people write."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.runtime.types.typed import one, typed

DAYS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=9 * index) for index in range(30)]
WORDS = ["oak", "pine", "ash", "birch"]


def dates(format_: str, most: int = 30) -> list[str]:
    return [day.strftime(format_) for day in DAYS[:most]]


@pytest.mark.parametrize(
    ("values", "type_", "reasons"),
    [
        # Whole numbers
        (["1", "2", "3"], "Integer", []), (["+5", "-3", "0"], "Integer", []), (["0", "10", ""], "Integer", []),
        (["1.0", "0.0", "1.0"], "Integer", []), (["1.0", "", "0."], "Integer", []), (["\u22125", "3"], "Integer", []),
        (["2019", "2020", "2021"], "Integer", []), (["1", "0", "1"], "Integer", []),
        (["9223372036854775807", "9223372036854775806"], "Integer", ["LargeNumbers"]),
        (["9223372036854775808", "5"], "Float", ["LargeNumbers"]),
        # Numbers
        (["3.5", "4"], "Float", []), (["+1.5", ".5", "1.", "1e3", "0.25"], "Float", []), (["1e3", "2E-5"], "Float", []),
        (["nan", "1.5"], "Float", []), (["inf", "-Infinity", "1.5"], "Float", []), (["1.5", "NA", ""], "Float", []),
        ([" 1.5", "2.5 ", "\u00a03.5"], "Float", []), ([""] * 3, "Float", ["EmptyColumn"]),
        # Booleans
        (["true", "FALSE", ""], "Boolean", []), (["yes", "no", "yes"], "Category", []),
        (["Y", "N", "Y"], "Category", []),
        (["t", "f", "t"], "Category", []), (["true", "false", "unknown"], "Category", []),
        (["true", "1"], "Category", ["MostlyNumbers"]),
        # What looks like numbers, but is not plain
        (["01234", "99999"], "Category", ["LeadingZeros"]), (["-007", "-008"], "Category", ["LeadingZeros"]),
        (["00.5", "00.7"], "Category", []), (["0x1F", "0x2A"], "Category", ["NumbersAsText"]),
        (["$5.50", "$1,200.00"], "Category", ["NumbersAsText"]), (["12 €", "13,50 €"], "Category", ["NumbersAsText"]),
        (["12%", "13.5 %"], "Category", ["NumbersAsText"]), (["(1.50)", "(2.50)"], "Category", ["NumbersAsText"]),
        (["<0.5", ">1.5"], "Category", ["NumbersAsText"]), (["1_000", "2_000"], "Category", []),
        (["20 kg", "30 kg"] * 5 + ["40 kg", "50 kg", "60 kg"], "Category", ["NumbersAsText"]),
        (["１２", "３４"], "Category", ["NumbersAsText"]), (["1'234.5", "2'345.5"], "Category", ["NumbersAsText"]),
        (["1,5", "2,5"], "Category", ["NumbersAsText"]), (["1.234,5", "2.345,6"], "Category", ["NumbersAsText"]),
        (["12A", "7B", "13C", "9D"], "Category", []), (["3", "5", "x", "y"], "Category", ["MostlyNumbers"]),
        # Times
        (dates("%Y-%m-%d"), "Timestamp", []), (dates("%Y-%m-%d %H:%M"), "Timestamp", []),
        (dates("%Y-%m-%dT%H:%M:%S.123Z"), "Timestamp", []), (dates("%Y-%m-%dT%H:%M:%S+02:00"), "Timestamp", []),
        (dates("%d.%m.%Y"), "Timestamp", []), (dates("%d/%m/%Y"), "Timestamp", []),
        (dates("%m/%d/%Y"), "Timestamp", []),
        (dates("%m/%d/%y"), "Timestamp", []), (dates("%d/%m/%y"), "Category", ["DatesUnclear"]),
        (dates("%d.%m.%Y %H:%M:%S"), "Timestamp", []),
        (dates("%m/%d/%Y %I:%M %p"), "Timestamp", []), (dates("%Y/%m/%d"), "Timestamp", []),
        (dates("%Y-%m"), "Timestamp", []),
        (dates("%d %b %Y"), "Timestamp", []), (dates("%d-%b-%y"), "Timestamp", []),
        (dates("%B %d, %Y"), "Timestamp", []),
        (dates("%a, %d %b %Y %H:%M:%S +0000"), "Timestamp", []), (dates("%Y%m%dT%H%M%SZ"), "Timestamp", []),
        (dates("%G-W%V-%u"), "Timestamp", []),
        (["01/02/2026", "03/04/2026", "05/06/2026"], "Category", ["DatesUnclear"]),
        (["13/02/2026", "02/13/2026", "05/06/2026"], "Category", ["DatesAsText"]),
        (["14:30", "15:45", "9:05"], "Category", ["TimesAsText"]), (["2h 30m", "1h 15m"], "Category", []),
        (dates("%Y%m%d"), "Integer", ["DatesAsNumbers"]),
        ([str(int(day.timestamp())) for day in DAYS], "Integer", ["EpochNumbers"]),
        ([str(int(day.timestamp() * 1000)) for day in DAYS], "Integer", ["EpochNumbers"]),
        # Texts
        (WORDS * 6, "Category", []), (["🙂", "🙃"] * 5, "Category", []),
        ([f"the customer called {index} times about it" for index in range(30)], "Text", ["FreeText"]),
        ([str(uuid.UUID(int=index)) for index in range(30)], "Identifier", []),
        ([f"+49170{1000000 + 31 * index}" for index in range(30)], "Identifier", ["PhoneNumbers"]),
        ([f"INV-{index:05}" for index in range(30)], "Identifier", ["IdentifierGuessed"]),
        ([f"user{index}@example.com" for index in range(30)], "Identifier", ["IdentifierGuessed"]),
        ([f"https://example.com/{index}" for index in range(30)], "Identifier", ["IdentifierGuessed"]),
        ([f"{chr(97 + index)}{chr(98 + index)}x" for index in range(25)], "Category", ["ManyCategories"]),
        ([f"{chr(97 + index)}x" for index in range(60)], "Identifier", ["IdentifierGuessed"]),
        ([f"{chr(97 + index)}x town" for index in range(60)], "Text", ["FreeText"]),
        (["oak", "Oak", "pine"] * 4, "Category", ["CategoriesAlike"]),
        (["a b", "a  b", "c"] * 4, "Category", ["CategoriesAlike"]),
        (["ﬁne", "fine", "bad"] * 4, "Category", ["CategoriesAlike"]),
        (["a\u200fb", "ab", "c"] * 4, "Category", ["CategoriesAlike"]),
        (["oak", "NA", "pine", "NA"], "Category", ["MissingWords"]), (["x"] * 9, "Category", ["ConstantColumn"]),
        ([f"{chr(97 + index)}{chr(98 + index)}x" for index in range(10)], "Category", ["ManyCategories"]),
        # Marks of missing numbers
        (["5", "-999", "7", "8"], "Integer", ["SentinelValue"]),
        (["5.5", "-1", "-1", "7.5"], "Float", ["SentinelValue"]),
        (["5.5", "9999", "7.5"], "Float", ["SentinelValue"]), (["-1", "0", "1"], "Integer", []),
        (["-5", "-1", "3"], "Integer", []), (["97", "98", "99"], "Integer", []),
        (["7"] * 5, "Integer", ["ConstantColumn"]),
    ],
)  # fmt: skip
def test_what_people_write(values: list[str], type_: str, reasons: list[str]) -> None:
    result = one(values)
    assert (result.types["a"], result.reasons) == (type_, reasons), [doubt.message for doubt in result.doubts]
    for doubt in result.doubts:
        assert len(doubt.message) < 400, "it would be cut"
        assert "'a'" in doubt.message


@pytest.mark.parametrize(
    ("name", "values", "type_"),
    [
        ("id", [str(index) for index in range(30)], "Identifier"),
        ("PassengerId", [str(index) for index in range(30)], "Identifier"),
        ("customer_id", [str(index % 25) for index in range(60)], "Identifier"),
        ("customer_id", [f"c{index % 25}" for index in range(60)], "Identifier"),
        ("store_id", [str(index % 7) for index in range(30)], "Integer"),
        ("store_id", [f"s{index % 7}" for index in range(30)], "Category"),
        ("id", ["1", "2", "3"], "Integer"),
        ("paid", [str(index) for index in range(30)], "Integer"),
        ("grid", [str(index) for index in range(30)], "Integer"),
        ("uuid", [f"{index:x}z" for index in range(30)], "Identifier"),
    ],
)
def test_a_name_tells_identifiers(name: str, values: list[str], type_: str) -> None:
    assert one(values, name).types[name] == type_


@pytest.mark.parametrize(("name", "told"), [("id", True), ("zipcode", True), ("storeId", True), ("decoded", False)])
def test_a_name_tells_codes(name: str, told: bool) -> None:
    assert one(["1", "2", "3"], name).reasons == ["CodesAsNumbers"] * told


def test_a_doubt_says_where_and_what_to_write() -> None:
    doubt = one(["oak", "NA", "pine", "NA"]).doubts[0]
    assert doubt.wire() == {
        "column": "a",
        "reason": "MissingWords",
        "message": "'a': 2 values 'NA' count as missing; write spec.source.csv.missing: [\"\"] if they are values",
        "count": 2,
        "example": "NA",
        "row": 3,
        "file": "t.csv",
    }


def test_the_instants() -> None:
    result = one(["2026-03-01T10:00:00+01:00", "2026-03-01 09:00Z", "2026-03-01", "2026-03-01T09:00:00.5"])
    hours = [moment.isoformat() for moment in result.columns["a"]]
    assert hours == [
        "2026-03-01T09:00:00+00:00", "2026-03-01T09:00:00+00:00", "2026-03-01T00:00:00+00:00",
        "2026-03-01T09:00:00.500000+00:00",
    ]  # fmt: skip
    assert result.reasons == ["MixedZones"]


def test_of_many_columns_with_one_doubt_the_first_are_told_alone() -> None:
    result = typed([{f"c{index}": ["x"] * 5 for index in range(30)}])
    assert result.reasons == ["ConstantColumn"] * 5
    assert (result.doubts[-1].column, result.doubts[-1].count) == (None, 26)
    assert "'c4'" in result.doubts[-1].message


@pytest.mark.parametrize("name", ["a", "n" * 128, "\x00" * 128, "🙂" * 128])
@pytest.mark.parametrize(
    "values",
    [
        [*("56789"), *("\x01" * 5_000 + str(index) for index in range(4))],
        [f"{'word ' * 3_000}{index}" for index in range(30)],
        ["1" * 5_000, "2" * 5_000],
        ["x" * 10_000] * 5,
    ],
)
def test_no_message_is_so_long_that_its_end_is_cut(name: str, values: list[str]) -> None:
    doubts = one(values, name).doubts
    assert doubts
    for doubt in doubts:
        assert len(doubt.message) < 500
        assert any(word in doubt.message for word in ("spec.", "write", "declare"))


def test_a_violation_shows_the_beginning_of_a_long_value() -> None:
    result = one([str(index) for index in range(50)] + ["x" * 10_000], "n" * 128)
    assert result.violations[0].found.endswith("spec.columns")
    assert result.violations[0].examples == ["x" * 64]
