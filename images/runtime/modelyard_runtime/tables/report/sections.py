"""Writes the row and the section of one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from modelyard_runtime.tables.report import looks, plots
from modelyard_runtime.tables.report.columns import NO_FEATURES, Described
from modelyard_runtime.tables.report.distribution import Histogram
from modelyard_runtime.tables.report.target import Target
from modelyard_runtime.tables.report.text import counted, figure, percent, plain, rough, shown

SPARK = 12
"""Most bars of the small plot in a row."""


class Context(NamedTuple):
    """What all columns have in common. ``parent`` is its name, "" if there is none."""

    target: Target | None
    parent: str
    is_open: bool


def row(described: Described, context: Context, flag: tuple[str, str] | None, has_section: bool) -> str:
    """Returns the column's row in the table of all columns."""
    column = described.column
    return looks.environment().get_template("row.html").render(
        c=described,
        spark=_spark(described),
        range=described.range or _most_frequent(described),
        distinct=figure(column.distinct) if column.distinct is not None else "–",
        flag=flag,
        has_section=has_section,
        target=context.target,
        parent=context.parent,
    )  # fmt: skip


def section(described: Described, context: Context, flag: tuple[str, str] | None) -> str:
    """Returns the column's section."""
    drawn, related = described.drawn, described.related
    given: dict[str, Any] = {"histogram": None, "bars": (), "ridges": (), "means": None, "tells": "", "has_was": False}
    if drawn.histogram:
        given |= _histogram(described, drawn.histogram, context)
    elif drawn.bars:
        tells = _beside(described, context.target)
        given["bars"] = [
            {**bar._asdict(), "tells": tells[index] if tells else ""} for index, bar in enumerate(drawn.bars)
        ]
        given["has_was"] = any(bar.was is not None for bar in drawn.bars)
        given["tells"] = _heading(context.target, bool(related.mixes)) if tells else ""
    return looks.environment().get_template("section.html").render(
        c=described,
        flag=flag,
        is_open=context.is_open,
        sentence=_sentence(described, context),
        note=drawn.note,
        quantiles=described.quantiles if drawn.histogram else (),
        **given,
    )  # fmt: skip


def _spark(described: Described) -> Markup | None:
    drawn = described.drawn
    if drawn.histogram:
        shares = drawn.histogram.is_.bins
        every = -(-len(shares) // SPARK)
        shares = [sum(shares[start : start + every]) for start in range(0, len(shares), every)]
    else:
        shares = [bar.share for bar in drawn.bars if not bar.rest]
    return plots.bars(shares) if shares else None


def _most_frequent(described: Described) -> Markup | str:
    bars = [bar for bar in described.drawn.bars if not bar.rest]
    if not bars:
        return ""
    most = max(bars, key=lambda bar: bar.share)
    return Markup("{} {}").format(shown(most.value, 24), percent(most.share))


def _histogram(described: Described, drawn: Histogram, context: Context) -> dict[str, Any]:
    top = max([*drawn.is_.bins, *(drawn.was.bins if drawn.was else ())])
    related, target = described.related, context.target
    caption = [Markup("{}share of the rows that have a value").format(looks.key("is", ""))]
    if drawn.was:
        caption.append(Markup("{}{}").format(looks.key("was", ""), shown(context.parent, 80)))
    if drawn.axis.note:
        caption.append(Markup(drawn.axis.note))
    if related.ridges:
        caption.append(
            Markup("below: each class of {} alone, as high as its highest bin").format(shown(target and target.name))
        )
    if related.means:
        caption.append(Markup("below: mean of {} and two standard errors").format(shown(target and target.name)))
    histogram = {
        "bins": drawn.axis.bins,
        "top": percent(top),
        "is_": plots.outline(drawn.is_.bins, top),
        "was": plots.steps(drawn.was.bins, top) if drawn.was else "",
        "ticks": drawn.axis.ticks,
        "is_crowded": drawn.axis.is_crowded,
        "label": _label(described),
        "caption": Markup(" · ").join(caption),
    }
    ridges = [
        {"label": ridge.label, "rows": ridge.rows, "path": plots.outline(ridge.shares, max(ridge.shares))}
        for ridge in related.ridges
    ]
    return {"histogram": histogram, "ridges": ridges, "means": _means(described, target)}


def _means(described: Described, target: Target | None) -> dict[str, Any] | None:
    means = described.related.means
    if not means or target is None:
        return None
    low = min(mean.value - mean.reach for mean in means)
    high = max(mean.value + mean.reach for mean in means)
    ends = f"from {figure(means[0].value)} at the left to {figure(means[-1].value)} at the right"
    return {
        "low": figure(low),
        "high": figure(high),
        "path": plots.whiskers(means, low, high),
        "label": f"Mean of {plain(target.name)}: {ends}",
    }


def _beside(described: Described, target: Target | None) -> list[Markup | str]:
    """Returns what each bar tells of the target, nothing where too few rows do."""
    related = described.related
    if target is None:
        return []
    if related.mixes:
        return [looks.mix(mix.shares, target.labels) if mix else "" for mix in related.mixes]
    present = [mean for mean in related.bar_means if mean]
    low = min((mean.value - mean.reach for mean in present), default=0.0)
    high = max((mean.value + mean.reach for mean in present), default=0.0)
    return [looks.dot(mean.value, mean.reach, low, high) if mean else "" for mean in related.bar_means]


def _heading(target: Target | None, is_mix: bool) -> Markup:
    assert target is not None
    if not is_mix:
        return Markup("Mean of {} and two standard errors").format(shown(target.name, 40))
    keys: Sequence[Markup] = [looks.key(f"k{index}", label) for index, label in enumerate(target.labels)]
    return Markup("{}: {}").format(shown(target.name, 40), Markup(" ").join(keys))


def _label(described: Described) -> str:
    """Returns what the histogram shows, for those who can't see it."""
    middle = dict(described.quantiles)
    return f"Histogram: half of the values lie between {middle['25 %']} and {middle['75 %']}, all in {described.range}"


def _sentence(described: Described, context: Context) -> Markup:
    column = described.column
    lacks = f"{counted(column.missing, 'value is', 'values are')} missing ({percent(described.missing)})"
    parts = [lacks if column.missing else "No value is missing"]
    if column.distinct is not None:
        parts.append(f"{counted(column.distinct, 'distinct value')}")
    said = [Markup("{}.").format(", ".join(parts))]
    target, strength = context.target, described.related.strength
    if target and strength is not None:
        said.append(
            Markup("It explains {} of the {} of {} ({}).").format(
                percent(strength), target.of_what, shown(target.name, 40), target.measure
            )
        )
    if described.moved is not None:
        sure = "beyond doubt" if described.proven > 0 else "which may be chance"
        said.append(
            Markup("Its distance to {} is {}, {}.").format(shown(context.parent, 80), rough(described.moved), sure)
            if described.moved
            else Markup("It is distributed as in {}.").format(shown(context.parent, 80))
        )
    elif context.parent and described.column.type not in NO_FEATURES:
        said.append(Markup("There is nothing to compare it with in {}.").format(shown(context.parent, 80)))
    return Markup(" ").join(said)
