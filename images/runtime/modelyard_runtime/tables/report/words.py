"""What the page says of the whole version, and how to read it."""

from __future__ import annotations

from markupsafe import Markup

from modelyard_runtime.tables.report.material import Material
from modelyard_runtime.tables.report.target import Target
from modelyard_runtime.tables.report.text import count, counted, percent, shown

SKETCHES = (
    "Distributions and missing values are those of all rows. Those of large tables, and of the parent, come from "
    "sketches of constant size (Apache DataSketches): the rank of a number is within 1.3 % with 99 % confidence, and "
    "up to 384 different texts are counted exactly."
)
UNCERTAINTY = (
    "How much of the target a column explains is Theil's uncertainty coefficient (1970): the share of the target's "
    "entropy that goes away once the column's value is known, 0 to 100 %, corrected for few rows (Miller and Madow "
    "1955)."
)
CORRELATION = (
    "How much of the target a column explains is the correlation ratio (Pearson 1905): the share of the target's "
    "variance that lies between groups of the column's values, 0 to 100 %, corrected for few rows (epsilon squared, "
    "Kelley 1935)."
)
ALONE = (
    " Numbers are cut at their deciles; what is missing is a group too. It looks at one column alone: two that explain "
    "nothing each may explain all together."
)
DISTANCE = (
    "The distance to the parent is the one that rollouts and monitors use, 0 to 1: the greatest difference of the "
    "shares that both give to numbers up to any value (Kolmogorov and Smirnov), or to any set of texts (total "
    "variation). It is beyond doubt where chance alone would show such a one, in any column, in fewer than one of "
    "twenty reports."
)


def verdict(material: Material) -> str:
    broken = counted(len(material.violations), "rule is", "rules are")
    if material.accepted:
        return f", though {broken} broken." if material.violations else ": it keeps all rules."
    return f": {broken} broken. It is kept as evidence and never used."


def facts(material: Material) -> list[tuple[str, Markup | str]]:
    """Returns names and values of what is known of the version."""
    target: Markup | str = shown(material.target, 60) if material.target else "none"
    held = f"{count(material.test_rows)} ({percent(material.test_rows / material.rows)})" if material.rows else "0"
    listed: list[tuple[str, Markup | str]] = [
        ("Rows", count(material.rows)),
        ("Held out", held),
        ("Columns", count(len(material.columns))),
        ("Target", target),
    ]
    if material.dropped:
        whole = material.rows + material.dropped
        listed.append(("Dropped", f"{count(material.dropped)} of {count(whole)}: no target"))
    if material.parent:
        was = Markup("{}, {}").format(shown(material.parent.name, 120), counted(material.parent.rows, "row"))
        listed.append(("Compared with", was))
    else:
        listed.append(("Compared with", "nothing"))
    listed.append(("Digest", Markup('<code title="{}">{}…</code>').format(material.digest, material.digest[:19])))
    return listed


def legend(target: Target | None, material: Material) -> Markup:
    """Returns what the last columns of the table are."""
    said = []
    if target:
        said.append(Markup("Explains target: the {} of {}.").format(target.measure, shown(target.name, 60)))
    if material.parent:
        parent = shown(material.parent.name, 120)
        said.append(Markup("Shift: the distance to {}, in brown where it is beyond doubt.").format(parent))
    return Markup(" ").join(said)


def left_out(sections: int, columns: int) -> str:
    """Returns which columns have no section; "" if all have one."""
    if sections == columns:
        return ""
    return (
        f"The page has room for {counted(sections, 'section')}: of the target, of columns that need attention, and of "
        f"those that explain most of the target or shifted most. The other {columns - sections} are in the table alone."
    )


def how(material: Material, target: Target | None) -> list[str]:
    """Returns how to read the page."""
    sampled, rows = material.sample.num_rows, material.rows
    lines = [] if sampled == rows and not material.parent else [SKETCHES]
    if target:
        which = "all rows" if sampled == rows else f"{count(sampled)} of {count(rows)} rows, {material.sampled}"
        lines.append(f"How much of the target a column explains is told from {which}.")
        lines.append((UNCERTAINTY if target.classes is not None else CORRELATION) + ALONE)
    if material.parent:
        lines.append(DISTANCE)
    return lines
