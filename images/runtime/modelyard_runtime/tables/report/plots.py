"""Paths of small plots, in whole numbers: a bin is one wide, and 100 is as high as the plot."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

HEIGHT = 100


def outline(shares: Sequence[float], top: float) -> Markup:
    """Returns the path around bars that stand side by side; ``top`` is the share of the highest that fits."""
    path, level, run = [f"M0 {HEIGHT}"], HEIGHT, 0
    for share in shares:
        height = _height(share, top)
        if height != level:
            path += [f"h{run}"] if run else []
            path.append(f"V{height}")
            level, run = height, 0
        run += 1
    path += [f"h{run}" if run else "", f"V{HEIGHT}", "z"]
    return Markup("".join(path))


def steps(shares: Sequence[float], top: float) -> Markup:
    """Returns the line along the top of bars that stand side by side, but not along the bottom of the plot."""
    path, level = [f"M0 {HEIGHT}"], HEIGHT
    for share in shares:
        height = _height(share, top)
        path += [f"V{height}"] if height != level else []
        path.append("h1" if height < HEIGHT else "m1 0")
        level = height
    return Markup("".join([*path, f"V{HEIGHT}" if level < HEIGHT else ""]))


def bars(shares: Sequence[float]) -> Markup:
    """Returns the path of lines, one every 4, at most 16 high."""
    top = max(shares, default=0) or 1
    heights = [max(round(16 * share / top), 1 if share > 0 else 0) for share in shares]
    return Markup("".join(f"M{4 * i + 2} 16V{16 - height}" for i, height in enumerate(heights) if height))


def whiskers(means: Sequence[tuple[float, float, float, float, float]], low: float, high: float) -> Markup:
    """Returns the path of means: each from ``start`` to ``end`` of the axis, at ``value``, with ``reach`` on either
    side; ``low`` and ``high`` are the values at the bottom and at the top."""
    path = []
    for start, end, value, reach, _ in means:
        at, bottom, top = (_at(number, low, high) for number in (value, value - reach, value + reach))
        path.append(f"M{start:g} {at}H{end:g}M{(start + end) / 2:g} {bottom}V{top}")
    return Markup("".join(path))


def _height(share: float, top: float) -> int:
    if share <= 0 or top <= 0:
        return HEIGHT
    return max(0, min(HEIGHT - 1, round(HEIGHT - HEIGHT * share / top)))


def _at(value: float, low: float, high: float) -> int:
    return round(HEIGHT - HEIGHT * (min(max(value, low), high) - low) / (high - low or 1))
