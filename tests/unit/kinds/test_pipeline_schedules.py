"""Checks the schedules of a Pipeline: each of their times starts one run, missed ones are one, and zones are kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.kinds.pipelines import applied, runs, trained, with_pipeline
from tests.unit.kinds.test_pipeline import EVERY_MINUTE, cause, notes, status, trigger
from tests.unit.kinds.test_trainingrun import with_data


def test_a_schedule_starts_a_run_at_each_of_its_times() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE])
    assert runs(world) == []
    assert status(world)["nextSchedule"] == "2026-01-05T12:01:00Z"
    world.tick(60)
    (run,) = runs(world)
    assert cause(run)["value"] == "2026-01-05T12:01:00Z"
    trained(world)
    world.tick(1)
    assert len(runs(world)) == 1
    world.tick(59)
    assert len(runs(world)) == 2


def test_missed_times_are_one_run() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE])
    world.tick(185)
    (run,) = runs(world)
    assert (cause(run)["value"], cause(run)["earlierCount"]) == ("2026-01-05T12:03:00Z", 2)
    assert cause(run)["earlier"] == ["2026-01-05T12:02:00Z", "2026-01-05T12:01:00Z"]


def test_times_missed_for_too_long_are_skipped_counted_and_told() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE], limits={"startingDeadline": "30s"})
    world.tick(225)
    assert runs(world) == []
    assert (status(world)["skipped"], trigger(world, "often")["skipped"]) == (3, 3)
    (told,) = notes(world, "SlotsSkipped")
    assert told.startswith("trigger often: 3 times of its schedule skipped, missed by more than spec.limits.starting")
    assert told.endswith("the last was 2026-01-05T12:03:00Z")
    world.tick(15)
    assert len(runs(world)) == 1
    trained(world)
    world.tick(60)
    assert (len(runs(world)), status(world)["skipped"]) == (2, 3)


def test_years_of_missed_times_are_counted_in_bounds() -> None:
    world = with_pipeline(triggers=[EVERY_MINUTE], limits={"startingDeadline": "30s"})
    world.tick(400 * 86400 + 45)
    assert status(world)["skipped"] == 1000
    assert "1000 or more times" in notes(world, "SlotsSkipped")[0]


def test_a_changed_schedule_begins_anew() -> None:
    world = with_pipeline(triggers=[{"name": "daily", "cron": {"schedule": "0 13 * * *"}}])
    world.tick(1800)
    applied(world, triggers=[{"name": "daily", "cron": {"schedule": "15 12 * * *"}}])
    assert runs(world) == [], "12:15 was before it was written"
    assert status(world)["nextSchedule"] == "2026-01-06T12:15:00Z"


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("schedule", "zone", "begin", "slots"),
    [
        # 2:30 doesn't exist on the day on which summer begins, and comes as soon as it would have.
        ("30 2 * * *", BERLIN, datetime(2026, 3, 28, 12), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        # 2:30 comes twice on the day on which summer ends, and is used once.
        ("30 2 * * *", BERLIN, datetime(2026, 10, 24, 12), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0 3 * * *", "Asia/Seoul", datetime(2026, 1, 5, 12), ["2026-01-05T18:00:00Z", "2026-01-06T18:00:00Z"]),
        ("0 */12 * * *", BERLIN, datetime(2026, 3, 28, 12), ["2026-03-28T23:00:00Z", "2026-03-29T10:00:00Z"]),
    ],
)
def test_time_zones_and_daylight_saving(schedule: str, zone: str, begin: datetime, slots: list[str]) -> None:
    world = with_data()
    world.now = begin.replace(tzinfo=UTC)
    applied(world, triggers=[{"name": "t", "cron": {"schedule": schedule, "timeZone": zone}}])
    for _ in range(2 * 24 * 4):
        world.tick(900)
        trained(world)
    used = [cause(run)["value"] for run in runs(world)]
    assert used[: len(slots)] == slots
