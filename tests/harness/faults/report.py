"""The table at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.harness.faults.campaign import Tried


def figures(points: int, tried: Sequence[Tried], seconds: float) -> dict[str, Any]:
    happened = [one for one in tried if one.happened]
    failed = [str(one.point) for one in tried if one.wrong]
    return {
        "harness": "faults",
        "points": points,
        "tried": len(tried),
        "happened": len(happened),
        "converged": sum(not one.wrong for one in happened),
        "restarts": sum(one.restarts for one in tried),
        "failed": failed,
        "seconds": round(seconds, 1),
    }


def table(tried: Sequence[Tried]) -> str:
    """By fault, then by scenario: points, how many came to pass, how many converged, mean seconds of a run, and how
    often the operator was started again."""
    lines = [f"{'':24} {'points':>7} {'happened':>9} {'converged':>10} {'s a run':>8} {'restarts':>9}"]
    for by in (lambda one: one.point.fault or "no fault", lambda one: one.point.scenario):
        lines += [*_rows(tried, by), ""]
    return "\n".join([*lines[:-1], _row("all", tried)])


def _rows(tried: Sequence[Tried], by: Callable[[Tried], str]) -> list[str]:
    names = list(dict.fromkeys(sorted(by(one) for one in tried)))
    return [_row(name, [one for one in tried if by(one) == name]) for name in names]


def _row(name: str, tried: Sequence[Tried]) -> str:
    happened = sum(one.happened for one in tried)
    converged = sum(one.happened and not one.wrong for one in tried)
    seconds = sum(one.seconds for one in tried) / max(1, len(tried))
    restarts = sum(one.restarts for one in tried)
    return f"{name:24} {len(tried):7} {happened:9} {converged:10} {seconds:8.1f} {restarts:9}"
