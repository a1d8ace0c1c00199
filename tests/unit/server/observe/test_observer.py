"""Checks the observer's buffer and windows, with a clock that the test sets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard_api.wire.request_counts import Requests, bucket
from modelyard_api.wire.sketches import Sketches, merge
from modelyard_models.live import MAX_TEXT, Texts, cut
from modelyard_server import kept, models
from modelyard_server import manifest as manifests
from modelyard_server.manifest import Manifest
from modelyard_server.metrics import Counts
from modelyard_server.observe import observer as observers
from modelyard_server.observe.answer import chosen
from modelyard_server.observe.columns import parts
from modelyard_server.observe.observer import Observer
from modelyard_server.protocol import Inference
from modelyard_server.rest import parse
from modelyard_server.tensors import BadRequest
from tests.unit.server.models import StoredModel


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_020.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def manifest(penguins: StoredModel) -> Manifest:
    return manifests.read(Path(penguins.folder))


def request(manifest: Manifest, rows: int, start: int = 0, **changes: Any) -> tuple[Inference, list[Any]]:
    """Returns a request with the penguins' columns, whose numbers are start, start + 1, ..., and its answers."""
    numbers = [float(start + index) for index in range(rows)]
    values: dict[str, list[Any]] = {
        "bill_length_mm": numbers,
        "body_mass_g": [None, *numbers[1:]],
        "island": ["Biscoe", *["Atlantis"] * (rows - 1)],
        "sex": [""] * rows,
    }
    values |= changes
    tensors = [
        {"name": item.name, "datatype": item.datatype, "shape": [rows], "data": values[item.name]}
        for item in manifest.inputs
    ]
    inference = parse(json.dumps({"inputs": tensors}).encode(), manifest)
    return inference, [np.arange(rows) % 2, np.tile(np.float32([0.25, 0.75]), (rows, 1))]


def whole(observer: Observer) -> Sketches:
    return merge(observer.whole())


async def test_everything_is_counted_once(manifest: Manifest) -> None:
    observer = Observer("m", "1", manifest, Clock())
    for rows, start in ((1, 0), (3, 1), (1000, 4), (1, 1004)):
        observer.add(*request(manifest, rows, start), 100)
    sketches = whole(observer)
    assert sketches.predictions == 1005
    assert {column.count for column in sketches.columns} == {1005}
    bill, mass = sketches.column("bill_length_mm", "Input"), sketches.column("body_mass_g", "Input")
    assert (bill.missing, mass.missing) == (0, 4)
    assert bill.extremes() == (0.0, 1004.0)
    island, sex = sketches.column("island", "Input"), sketches.column("sex", "Input")
    assert {item.text: item.count.value for item in island.frequent_items()} == {"Biscoe": 4, "Atlantis": 1001}
    assert (sex.missing, sex.frequent_items(), sex.distinct_count().value) == (1005, [], 0)
    assert sketches.column("probabilities[1]", "Output").quantile_of([0.5]) == [0.75]
    assert {item.text for item in sketches.column("label", "Output").frequent_items()} == {"0", "1"}


async def test_only_the_outputs_that_were_asked_for_are_counted(manifest: Manifest) -> None:
    observer = Observer("m", "1", manifest, Clock())
    inference, arrays = request(manifest, 2)
    observer.add(inference, arrays, 100)
    inference, arrays = request(manifest, 3)
    inference.outputs = inference.outputs[1:]
    observer.add(inference, arrays[1:], 100)
    sketches = whole(observer)
    assert sketches.column("label", "Output").count == 2
    assert sketches.column("probabilities[0]", "Output").count == 5


async def test_unseen_categories(manifest: Manifest) -> None:
    manifest.categories["island"] = ["Biscoe", "Dream"]
    observer = Observer("m", "1", manifest, Clock())
    observer.add(*request(manifest, 5), 100)
    assert whole(observer).column("island", "Input").unseen == 4
    assert whole(observer).column("sex", "Input").unseen is None


async def test_it_is_folded_without_being_asked(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "IDLE_SECONDS", 0.0)
    observer = Observer("m", "1", manifest, Clock())
    observer.add(*request(manifest, 10), 100)
    async with asyncio.timeout(10):
        while observer.windows.live.predictions < 10:  # noqa: ASYNC110
            await asyncio.sleep(0)
    observer.add(*request(manifest, 50_000), 100)
    counts = set()
    async with asyncio.timeout(10):
        while observer.windows.live.predictions < 50_010:
            await asyncio.sleep(0)
            counts.add(observer.windows.live.predictions)
    assert len(counts) > 10, "a large request is folded in slices, others are answered between them"


async def test_what_is_asked_for_in_the_middle_of_a_slice_is_whole(manifest: Manifest) -> None:
    observer = Observer("m", "1", manifest, Clock())
    for _ in range(300):
        observer.add(*request(manifest, 1), 100)
    async with asyncio.timeout(10):
        while observer._folding is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert {column.count for column in whole(observer).columns} == {300}
    assert whole(observer).predictions == 300


async def test_more_requests_than_steps_take_are_folded_at_once(manifest: Manifest) -> None:
    observer = Observer("m", "1", manifest, Clock())
    for _ in range(3000):
        observer.add(*request(manifest, 1), 100)
    async with asyncio.timeout(10):
        while len(observer._waiting) == 3000:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert len(observer._waiting) <= observers.LATE
    assert whole(observer).predictions == 3000


@pytest.mark.parametrize("columns", [0, 1, 15, 16, 17, 50, 64, 1000])
def test_columns_are_folded_in_parts(columns: int) -> None:
    names = [str(index) for index in range(columns)]
    folded = [names[part] for part in parts(names)]
    assert [name for part in folded for name in part] == names
    assert all(folded)
    assert len(folded) <= 4
    assert max(map(len, folded), default=0) <= max(16, columns / 4 + 1)


async def test_what_waits_is_bounded(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "MAX_BYTES", 1_000_000)
    observer = Observer("m", "1", manifest, Clock())
    for _ in range(100):
        observer.add(*request(manifest, 1), 300_000)
        assert len(observer._waiting) <= 3
    assert whole(observer).predictions == 100


async def test_a_failure_to_observe_is_said_and_counted(manifest: Manifest, capsys: pytest.CaptureFixture[str]) -> None:
    observer = Observer("m", "1", manifest, Clock())
    inference, arrays = request(manifest, 2)
    for _ in range(2):
        observer.add(inference, [*arrays[:1], np.zeros((2, 5), np.float32)], 100)
        observer.flush()
    observer.add(inference, arrays, 100)
    assert whole(observer).column("label", "Output").count == 6
    assert observer.failed == 4
    assert capsys.readouterr().out.count("could not be observed") == 1


def slot(observer: Observer | None, clock: Clock | None = None) -> models.Slot:
    slot = models.Slot("m", "1", Path("/"))
    slot.observer = observer
    slot.counts = Counts(clock or Clock())
    return slot


async def test_windows_are_ten_seconds_and_minutes_later(manifest: Manifest) -> None:
    clock = Clock()
    observer = Observer("m", "1", manifest, clock)
    first = clock.now
    for index, offset in enumerate((5, 12, 19.9, 63, 185)):
        clock.now = first + offset
        for _ in range(2**index):
            observer.add(*request(manifest, 1, index), 100)
        observer.flush()

    def counts(start: float, end: float) -> list[tuple[float, int]]:
        return [(part.start - first, part.predictions) for part in observer.between(start, end)]

    assert counts(0, 9e9) == [(0, 1), (10, 6), (60, 8), (180, 16)], "the last one is still open"
    assert counts(first + 10, first + 60) == [(10, 6)], "asked one after the other, none is missed or counted twice"
    assert counts(first + 60, first + 61) == [(60, 8)]
    assert whole(observer).predictions == 31
    clock.now = first + kept.SHORT_SECONDS + 5
    assert counts(0, first + 60) == [(0, 1), (10, 6)], "one of them is old already"
    clock.now = first + kept.SHORT_SECONDS + 70
    assert counts(0, 9e9) == [(0, 7), (60, 8), (180, 16)], "whole minutes"
    assert counts(first + 10, first + 60) == [], "they are asked for as such"
    clock.now = first + kept.KEPT_SECONDS + 125
    assert counts(0, 9e9) == [(180, 16)], "an hour is kept"
    assert whole(observer).predictions == 31, "but nothing is forgotten in the whole"
    assert merge(chosen(slot(observer), manifest.digest, "since=0&until=1")).predictions == 0


async def test_requests_are_counted_in_the_same_windows(manifest: Manifest) -> None:
    clock = Clock()
    first = clock.now
    counted = slot(None, clock)
    counts = counted.counts
    started = 100.0
    for offset, code, seconds in ((1, 200, 0.02), (9.9, 503, 0.0002), (10.5, 200, 0.02), (65, 200, 0.3), (185, 500, 1)):
        clock.now = first + offset
        counts.count(code, started + offset - seconds, started + offset, 1)

    def between(query: str) -> tuple[float, float, Requests]:
        merged = merge(chosen(counted, manifest.digest, query))
        return merged.start - first, merged.end - first, merged.requests

    fast, slow = bucket(0.02), bucket(0.3)
    of_minute = Requests({200: 2, 503: 1}, {fast: 2, bucket(0.0002): 1})
    since = f"since={first:.0f}"
    assert between(f"{since}&until={first + 10}") == (0, 10, Requests({200: 1, 503: 1}, {fast: 1, bucket(0.0002): 1}))
    assert between(f"{since}&until={first + 60}") == (0, 20, of_minute)
    assert between(f"since={first + 20}&until={first + 180}") == (60, 70, Requests({200: 1}, {slow: 1}))
    assert between(f"since={first + 180}") == (180, 185, Requests({500: 1}, {bucket(1): 1})), "the open one"
    assert between("since=0&until=1")[2] == Requests()
    everything = between("")[2]
    assert everything.codes == counts.codes == {200: 3, 500: 1, 503: 1}
    clock.now = first + kept.SHORT_SECONDS + 60
    assert between(f"{since}&until={first + 60}") == (0, 60, of_minute), "a whole minute later"
    clock.now = first + 2 * kept.KEPT_SECONDS
    assert between(since)[2] == Requests(), "an hour is kept"
    assert between("window=all")[2] == everything, "but nothing is forgotten in the whole"
    counts.history.restart()
    counts.count(200, started, started + 0.02, 1)
    assert between("")[2] == Requests({200: 1}, {fast: 1}), "a model that was loaded anew begins anew"
    assert sum(counts.codes.values()) == 6, "but not for Prometheus"


async def test_windows_are_bounded_in_bytes(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_BYTES", 20_000)
    clock = Clock()
    observer = Observer("m", "1", manifest, clock)
    for _ in range(50):
        observer.add(*request(manifest, 500), 100)
        observer.flush()
        clock.now += 60
    windows = observer.between(0, 9e9)
    assert 0 < len(windows) < 10
    assert windows[-1].start == (clock.now - 60) // 60 * 60, "the oldest go first"
    assert whole(observer).predictions == 50 * 500


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("window=2h", "'window', '2h': all, or a time up to 1h, such as 90s or 15m"),
        ("window=", "'window', ''"),
        ("window=5m&since=1", "leave out since and until"),
        ("windows=5m", "query parameter 'windows': window, or since and until"),
        ("since=1&since=2", "query parameter 'since'"),
        ("since=noon", "'since', 'noon': seconds since 1970"),
        ("until=nan", "'until', 'nan'"),
    ],
)
async def test_queries_that_are_refused(manifest: Manifest, query: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        chosen(slot(Observer("m", "1", manifest)), manifest.digest, query)
    assert message in str(caught.value)


def test_long_texts_are_cut_but_told_apart() -> None:
    first, second = cut("x" * 1000 + "1"), cut("x" * 1000 + "2")
    assert len(first) == len(second) == MAX_TEXT
    assert first != second
    texts = Texts("t", "Input", None)
    texts.fold(np.array(["x" * 100_000 + str(index) for index in range(300)], dtype=object))
    (column,) = texts.freeze()
    assert column.frequent is not None
    assert len(column.frequent) < 300 * 100
    assert column.distinct_count().lower <= 300 <= column.distinct_count().upper
