"""The templates, and the small pieces of HTML that they share."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from modelyard_runtime.tables.report import text

FOLDER = Path(__file__).parent / "templates"


@functools.cache
def environment() -> Environment:
    """Returns the templates, which escape whatever is not Markup."""
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "shown": text.shown,
        "plain": text.plain,
        "percent": text.percent,
        "count": text.count,
        "rough": text.rough,
    }
    found.filters["counted"] = text.counted
    found.globals["share"] = share
    return found


def share(value: float, kind: str = "", said: str = "") -> Markup:
    """Returns a share as a bar and in percent, or as it is ``said``."""
    bar = Markup('<span class="sh{}"><span>{}</span>{}</span>')
    return bar.format(f" {kind}" if kind else "", _filled(value), said or text.percent(value))


def mix(shares: Sequence[float], labels: Sequence[str]) -> Markup:
    """Returns the shares of classes side by side."""
    said = ", ".join(
        f"{text.plain(label, 24)} {text.percent(part)}" for label, part in zip(labels, shares, strict=True)
    )
    # The ends are rounded, not the widths, which then have the right sum.
    ends = [round(100 * end) for end in accumulate(shares, initial=0.0)]
    widths = [end - start for start, end in pairwise(ends)]
    parts = [Markup('<i class="k{} w{}"></i>').format(index, width) for index, width in enumerate(widths) if width]
    return Markup('<span class="mix" role="img" title="{}">{}</span>').format(said, Markup("").join(parts))


def dot(value: float, reach: float, low: float, high: float) -> Markup:
    """Returns a mean at its place between ``low`` and ``high``, and in figures."""
    at = round(100 * (value - low) / (high - low)) if high > low else 50
    said = f"{text.figure(value)} ± {text.figure(float(f'{reach:.2g}'))}"
    return Markup('<span class="dot"><span><b class="w{}"></b></span>{}</span>').format(min(max(at, 1), 100), said)


def key(kind: str, label: str) -> Markup:
    """Returns an entry of a legend."""
    return Markup('<i class="key {}"></i>{}').format(kind, text.shown(label, 32) if label else "")


def widths() -> str:
    """Returns the style of bars from 0 to 100 %: attributes with styles are forbidden by the policy."""
    return "".join(f".w{percent}{{width:{percent}%}}" for percent in range(101))


def _filled(value: float) -> Markup:
    percent = min(max(round(100 * value), 1 if value > 0 else 0), 100)
    return Markup('<b class="w{}"></b>').format(percent) if percent else Markup("")
