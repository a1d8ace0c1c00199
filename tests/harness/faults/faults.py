"""All faults, by name."""

from __future__ import annotations

from tests.harness.faults import leader_faults, list_faults, stream_faults, write_faults
from tests.harness.faults.fault import Fault

FAULTS: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        write_faults.CrashBefore,
        write_faults.CrashAfter,
        write_faults.AnswerLost,
        write_faults.Conflict,
        write_faults.TooMany,
        write_faults.TooManyForLong,
        write_faults.ServerError,
        write_faults.Unavailable,
        write_faults.UnavailableForLong,
        stream_faults.Expired,
        stream_faults.ServerError,
        stream_faults.CutMidLine,
        stream_faults.Frozen,
        stream_faults.HeldBack,
        stream_faults.Gap,
        list_faults.Away,
        list_faults.ExpiredPage,
        list_faults.FromThePast,
        leader_faults.LateWrite,
        leader_faults.LateAnswer,
    )
}
