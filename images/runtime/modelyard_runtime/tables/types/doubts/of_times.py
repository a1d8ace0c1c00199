"""Doubts about columns of times."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.doubts.tell import tell


def of_times(column: Column) -> Iterator[Doubt]:
    """Yields doubts about single times: those with a zone among those without, and those that clocks skip or repeat."""
    zone = column.kind.zone
    if column.with_zone and column.without_zone:
        message = (
            f"{column.title}: at least {column.without_zone} times have no zone of their own, but "
            f"{column.with_zone} have; those are read as of {zone or 'UTC'}; write columns[].timeZone if it is not so"
        )
        yield tell(column, "MixedZones", message, column.without_zone)
    for name, reason, what in (
        (
            "skipped",
            "TimesSkipped",
            "do not exist, since clocks were put forward over them; the offset before is taken",
        ),
        ("twice", "TimesTwice", "come twice, since clocks were put back; the first is taken"),
    ):
        if name in column.odd_times:
            count, place = column.odd_times[name]
            message = f"{column.title}: {count} times of {zone} {what}; write times with their offset into the source"
            yield tell(column, reason, message, count, None, place)
