"""What a Dataset declares of a column's type."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from modelyard_api.fields.columns import ColumnRule
from modelyard_models.instants import EPOCHS
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.types.kinds import Kind


def kind_of(rule: ColumnRule) -> Kind:
    """Returns the type that is declared. Raises UserError for a format or a time zone that isn't known."""
    if rule.format is not None and rule.format not in EPOCHS:
        _check_format(rule)
    if rule.time_zone is not None:
        _check_zone(rule.name, rule.time_zone)
    return Kind(rule.type, rule.format, rule.time_zone)


def _check_format(rule: ColumnRule) -> None:
    """A format is right if it reads what it has written, to the day at least."""
    format_ = str(rule.format)
    moment = datetime(2026, 3, 14)
    try:
        again = datetime.strptime(moment.strftime(format_), format_)
        reads = again.year == moment.year
    except ValueError:
        reads = "%z" in format_  # a time without a zone is written as one that can't be read
    if not reads:
        message = (
            f"column {rule.name!r}: format {format_!r} reads no date with a year; write strptime's codes, such as "
            "%d.%m.%Y %H:%M"
        )
        raise UserError("InvalidFormat", message, "spec.columns")


def _check_zone(name: str, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"column {name!r}: there is no time zone {zone!r}; write an IANA name, such as Europe/Berlin"
        raise UserError("InvalidTimeZone", message, "spec.columns") from error
