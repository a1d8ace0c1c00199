"""The figures and the table that a campaign ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.harness.faults.campaign import Tried


def figures(points: int, tried: Sequence[Tried], seconds: float) -> dict[str, Any]:
    happened = [run for run in tried if run.happened]
    failed = [str(run.point) for run in tried if run.wrong]
    return {
        "harness": "faults",
        "points": points,
        "tried": len(tried),
        "happened": len(happened),
        "converged": sum(not run.wrong for run in happened),
        "restarts": sum(run.restarts for run in tried),
        "failed": failed,
        "seconds": round(seconds, 1),
    }


def table(tried: Sequence[Tried]) -> str:
    """Returns rows by fault, then by scenario: points, how many faults happened and converged, mean seconds of a
    run, and how often the operator was restarted."""
    lines = [f"{'':24} {'points':>7} {'happened':>9} {'converged':>10} {'s a run':>8} {'restarts':>9}"]
    for by in (lambda run: run.point.fault or "no fault", lambda run: run.point.scenario):
        lines += [*_rows(tried, by), ""]
    return "\n".join([*lines[:-1], _row("all", tried)])


def _rows(tried: Sequence[Tried], by: Callable[[Tried], str]) -> list[str]:
    names = list(dict.fromkeys(sorted(by(run) for run in tried)))
    return [_row(name, [run for run in tried if by(run) == name]) for name in names]


def _row(name: str, tried: Sequence[Tried]) -> str:
    happened = sum(run.happened for run in tried)
    converged = sum(run.happened and not run.wrong for run in tried)
    seconds = sum(run.seconds for run in tried) / max(1, len(tried))
    restarts = sum(run.restarts for run in tried)
    return f"{name:24} {len(tried):7} {happened:9} {converged:10} {seconds:8.1f} {restarts:9}"
