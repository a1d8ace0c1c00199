"""Times: what their texts mean, and the numbers that a model is given."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_models import instants
from modelyard_models.asked import asked

BERLIN = "Europe/Berlin"
GERMAN = "%d.%m.%Y %H:%M"


@pytest.mark.parametrize(
    ("text", "format_", "zone", "utc"),
    [
        ("2026-03-01", None, None, "2026-03-01T00:00:00"),
        ("2026-03-01 14:30", None, None, "2026-03-01T14:30:00"),
        ("2026-03-01T14:30:00.5+02:00", None, BERLIN, "2026-03-01T12:30:00.5"),
        ("2026-03-01T14:30Z", None, BERLIN, "2026-03-01T14:30:00"),
        ("2026-07-01T14:30", None, BERLIN, "2026-07-01T12:30:00"),
        ("20260301", None, None, "2026-03-01T00:00:00"),
        ("01.07.2026 14:30", GERMAN, BERLIN, "2026-07-01T12:30:00"),
        ("01.07.2026 14:30", GERMAN, None, "2026-07-01T14:30:00"),
        ("2026-03-29 02:30", None, BERLIN, "2026-03-29T01:30:00"),
        ("2026-10-25 02:30", None, BERLIN, "2026-10-25T00:30:00"),
        ("1767322985", "EpochSeconds", BERLIN, "2026-01-02T03:03:05"),
        ("1767322985.5", "EpochSeconds", None, "2026-01-02T03:03:05.500000"),
        ("1767322985123", "EpochMilliseconds", None, "2026-01-02T03:03:05.123000"),
        ("1767322985123456789", "EpochNanoseconds", None, "2026-01-02T03:03:05.123456"),
        ("-1", "EpochSeconds", None, "1969-12-31T23:59:59"),
        ("0001-01-01", None, BERLIN, "0000-12-31T23:06:32"),
        ("9999-12-31T23:59:59-12:00", None, None, "10000-01-01T11:59:59"),
    ],
)
def test_a_text_is_an_instant(text: str, format_: str | None, zone: str | None, utc: str) -> None:
    assert np.datetime64(instants.parse(text, format_, zone), "us") == np.datetime64(utc, "us")


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("yesterday", None),
        ("", None),
        ("2026-02-30", None),
        ("2026-07-01", GERMAN),
        ("7", None),
        ("1e9", "EpochSeconds"),
        ("\u0661", "EpochSeconds"),
        ("99999999999999", "EpochSeconds"),
        ("", "EpochSeconds"),
    ],
)
def test_other_texts_are_none(text: str, format_: str | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        instants.parse(text, format_)


TIMES = st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1))


@given(st.lists(TIMES, min_size=1, max_size=6), st.sampled_from(["UTC", BERLIN, "Asia/Kathmandu", "America/New_York"]))
def test_the_parts_are_those_of_the_local_calendar(times: list[datetime], zone: str) -> None:
    array = np.array([*times, "NaT"], dtype="M8[us]")
    local = [time.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) for time in times]
    expected = {
        "month": [time.month for time in local],
        "day": [time.day for time in local],
        "weekday": [time.weekday() for time in local],
        "hour": [(time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6) / 3600 for time in local],
        "days": [(time - datetime(2000, 1, 1)).total_seconds() / 86400 for time in times],
    }
    for name, numbers in expected.items():
        ours = instants.part(array, name, zone)
        assert ours[:-1].tolist() == pytest.approx(numbers, abs=1e-9)
        assert np.isnan(ours[-1])


@given(st.lists(TIMES, max_size=4))
def test_the_text_of_an_instant_is_read_as_the_same(times: list[datetime]) -> None:
    array = np.array([*times, "NaT", "20000-01-01"], dtype="M8[us]")
    texts = instants.shown(array)
    assert texts[-2:] == [None, None]
    again = [instants.parse(text, None, BERLIN) for text in texts[:-2] if text]
    assert np.array(again, dtype="M8[us]").tolist() == times


@pytest.mark.parametrize(
    ("text", "format_", "zone", "utc"),
    [
        ("01.07.2026 14:30", GERMAN, BERLIN, "2026-07-01T12:30:00"),
        ("2026-07-01 14:30", GERMAN, BERLIN, "2026-07-01T12:30:00"),
        ("2026-07-01T14:30Z", GERMAN, BERLIN, "2026-07-01T14:30:00"),
        ("1767322985", "EpochSeconds", None, "2026-01-02T03:03:05"),
    ],
)
def test_a_time_is_asked_in_the_columns_format_or_in_iso(text: str, format_: str, zone: str | None, utc: str) -> None:
    assert np.datetime64(asked(text, format_, zone), "us") == np.datetime64(utc, "us")


@pytest.mark.parametrize(("text", "format_"), [("yesterday", GERMAN), ("2026-02-30", None), ("5", "EpochSeconds ")])
def test_another_text_is_told_what_is_allowed(text: str, format_: str | None) -> None:
    with pytest.raises(ValueError, match=f"{format_ or ''}.*ISO 8601, such as 2026-03-01T14:30:00Z"):
        asked(text, format_, None)
