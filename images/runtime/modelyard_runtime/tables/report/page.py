"""Writes the report of a version: one HTML page of at most 1 MB that asks for nothing from outside.

The same material gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from modelyard_api.wire.report import hashed, policy
from modelyard_runtime.tables.report import looks, words
from modelyard_runtime.tables.report.attention import Attention, attention
from modelyard_runtime.tables.report.columns import Described, described
from modelyard_runtime.tables.report.material import Material
from modelyard_runtime.tables.report.sections import Context, row, section
from modelyard_runtime.tables.report.target import Target, target_of

MOST_BYTES = 1_000_000
OPEN = 6
"""Most columns whose sections are open from the beginning."""


class TooLarge(Exception):
    """The page would be larger than MOST_BYTES even without sections."""


def report_of(material: Material) -> bytes:
    """Returns the page as UTF-8. Raises TooLarge."""
    target = target_of(material)
    columns = list(described(material, target))
    parent = material.parent.name if material.parent else ""
    context = Context(target, parent, len(columns) <= OPEN)
    found = attention(material, columns)
    flags = _flags(found)
    rows = {one.index: row(one, context, flags.get(one.index), True) for one in columns}
    left = MOST_BYTES - len(_page(material, target, found, rows, []))
    sections = _sections(columns, context, flags, left)
    for one in columns:
        if one.index not in sections:
            rows[one.index] = row(one, context, flags.get(one.index), False)
    page = _page(material, target, found, rows, [sections[one.index] for one in columns if one.index in sections])
    if len(page) > MOST_BYTES:
        raise TooLarge(f"the page has {len(page)} bytes; at most {MOST_BYTES} are possible")
    return page


def _flags(found: Attention) -> dict[int, tuple[str, str]]:
    """Returns for each column with items its most urgent one: its looks, and how it is called."""
    flags: dict[int, tuple[str, str]] = {}
    for item in found.items:
        if item.column is not None and item.kind != "note":
            flags.setdefault(item.column, (item.kind, item.word.lower()))
    return flags


def _sections(
    columns: Sequence[Described], context: Context, flags: dict[int, tuple[str, str]], left: int
) -> dict[int, str]:
    """Returns the sections of as many columns as fit: first of the target, of those that need attention, and of those
    that tell most of the target or moved most."""
    order = sorted(
        columns,
        key=lambda one: (
            not one.is_target,
            one.index not in flags,
            -max(one.related.strength or 0.0, one.moved or 0.0),
            one.index,
        ),
    )
    sections: dict[int, str] = {}
    for one in order:
        text = section(one, context, flags.get(one.index))
        left -= len(text.encode())
        if left < 0:
            break
        sections[one.index] = text
    return sections


def _page(
    material: Material, target: Target | None, found: Attention, rows: dict[int, str], sections: Sequence[str]
) -> bytes:
    style = (looks.FOLDER / "style.css").read_text() + looks.widths()
    script = (looks.FOLDER / "script.js").read_text()
    page = looks.environment().get_template("page.html").render(
        material=material,
        policy=policy(hashed(style)),
        style=Markup(style),
        script=Markup(script),
        why=words.verdict(material),
        facts=words.facts(material),
        attention=found,
        rows=Markup("").join(Markup(text) for text in rows.values()),
        sections=Markup("").join(Markup(text) for text in sections),
        left_out=words.left_out(len(sections), len(rows)),
        target=target,
        legend=words.legend(target, material),
        how=words.how(material, target),
    )  # fmt: skip
    return page.encode(errors="replace")
