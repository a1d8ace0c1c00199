"""Checks how the document of sketches is written, read, merged and refused."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import datasketches
import pytest

from modelyard_api.wire.answers import Answers
from modelyard_api.wire.request_counts import Requests
from modelyard_api.wire.sketches import Column, NotSketches, Sketches, merge, read, write


def sketches_of(numbers: list[float], texts: list[str], start: float = 60.0, digest: str = "sha256:1") -> Sketches:
    kll, hll = datasketches.kll_floats_sketch(200), datasketches.hll_sketch(11, datasketches.HLL_4)
    for number in numbers:
        kll.update(number)
        hll.update(number)
    frequent, words = datasketches.frequent_strings_sketch(9), datasketches.hll_sketch(11, datasketches.HLL_4)
    for text in texts:
        frequent.update(text)
        words.update(text)
    columns = (
        Column("n", "Input", "Number", len(numbers), 1, None, bytes(kll.serialize()), None, _hll(hll)),
        Column("t", "Input", "Text", len(texts), 0, 2, None, bytes(frequent.serialize()), _hll(words)),
    )
    requests = Requests({200: len(numbers), 503: 1}, {3: len(numbers), 181: 1})
    return Sketches("species", "3", digest, start, start + 60, len(numbers), columns, requests)


def _hll(sketch: object) -> bytes:
    return bytes(sketch.serialize_compact())  # type: ignore[attr-defined]


def test_what_is_written_is_read() -> None:
    sketches = sketches_of([1, 2, 3], ["a", "b", "a"])
    assert read(write(sketches)) == sketches
    empty = Sketches("species", "3", "sha256:1", 5.0, 5.0, 0)
    assert read(write(empty)) == empty


def test_merged_is_like_one_over_all() -> None:
    first, second = sketches_of([1, 2, 3], ["a", "b", "a"]), sketches_of([3, 4], ["b", "c"], start=0.0)
    whole = read(write(merge([first, second, Sketches("species", "3", "sha256:1", 300.0, 300.0, 0)])))
    assert (whole.start, whole.end, whole.predictions) == (0.0, 300.0, 5)
    assert whole.requests == Requests({200: 5, 503: 2}, {3: 5, 181: 2})
    numbers, texts = whole.column("n", "Input"), whole.column("t", "Input")
    assert (numbers.count, numbers.missing, numbers.unseen) == (5, 2, None)
    assert numbers.quantile_of([0.0, 0.5, 1.0]) == [1, 3, 4]
    assert numbers.rank_of(3) == pytest.approx(0.8)
    assert numbers.cdf([0.0, 1.0, 3.0]) == pytest.approx([0.0, 0.2, 0.8])
    assert numbers.rank_error() == 0.0, "all numbers are kept"
    assert round(numbers.distinct_count().value) == 4
    assert texts.unseen == 4
    assert {(item.text, item.count.value) for item in texts.frequent_items()} == {("a", 2), ("b", 2), ("c", 1)}
    assert first == sketches_of([1, 2, 3], ["a", "b", "a"]), "the parts are not changed"


def test_columns_that_only_some_have() -> None:
    part = sketches_of([1], ["a"])
    fewer = dataclasses.replace(part, columns=part.columns[:1])
    whole = merge([fewer, part])
    assert [column.count for column in whole.columns] == [2, 1]
    with pytest.raises(KeyError, match="no Output 'n'"):
        whole.column("n", "Output")


def test_answers_are_there_where_some_part_has_them() -> None:
    plain = sketches_of([1], ["a"])
    sample = Answers("Labels", 0, bytes(8) + b"answer_1")
    one, two = (dataclasses.replace(plain, answers=item) for item in (sample, Answers("Labels", 1, b"")))
    assert read(write(one)) == one
    assert b"answers" not in write(plain)
    assert merge([plain, plain]).answers is None
    assert merge([plain, one, two]).answers == Answers("Labels", 1, sample.entries)
    with pytest.raises(NotSketches, match="samples of labels and of numbers"):
        merge([one, dataclasses.replace(plain, answers=Answers("Numbers", 0, b""))])


def test_models_are_not_mixed() -> None:
    with pytest.raises(NotSketches, match="two models can't be merged: sha256:1 and sha256:2"):
        merge([sketches_of([1], []), sketches_of([1], [], digest="sha256:2")])
    with pytest.raises(NotSketches, match="no sketches to merge"):
        merge([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 1}, "sketches of version 1: this program reads version 3"),
        ({"requests": None}, "not a document of sketches: TypeError"),
        ({"requests": {"codes": {"200": -1}, "latencies": {}}}, "requests that are no counts"),
        ({"requests": {"codes": {"ok": 1}, "latencies": {}}}, "not a document of sketches: ValueError"),
        ({"requests": {"codes": {}, "latencies": {"182": 1}}}, "a latency's bucket that there is not"),
        ({"columns": [{}]}, "not a document of sketches: KeyError"),
        (
            {"columns": [{"name": "n", "role": "Input", "kind": "Number", "count": 1, "missing": 0, "distinct": "?"}]},
            "not a",
        ),
        ({"columns": 7}, "not a document of sketches"),
        ({"answers": {"kind": "Labels", "level": 0, "entries": "AAAA"}}, "answers that are no sample"),
        ({"answers": None}, "not a document of sketches: TypeError"),
    ],
)
def test_what_is_not_read(change: dict[str, object], message: str) -> None:
    document = json.loads(write(sketches_of([1], ["a"]))) | change
    with pytest.raises(NotSketches, match=message):
        read(json.dumps(document).encode())
    with pytest.raises(NotSketches):
        read(b"nonsense")


def test_reading_needs_no_pydantic() -> None:
    code = "import sys, modelyard_api.wire.sketches; print('pydantic' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "False"
