"""What needs attention: broken rules, doubts, changes, and what the report itself has noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from modelyard_runtime.tables.report.columns import Described
from modelyard_runtime.tables.report.material import Material, Remark
from modelyard_runtime.tables.report.text import names, percent, rough, shown

MOST, MOST_BYTES = 50, 100_000
"""Most items of a kind, and most bytes of all items, that are listed."""
MISSING, TELLING, MOVED = 0.5, 0.95, 0.1
"""From which share of missing values, which strength and which distance on a column is noticed."""


class Item(NamedTuple):
    """``kind`` is the class of its looks, ``word`` how it is called; ``column`` the index of its column, if it has
    one."""

    kind: str
    word: str
    column: int | None
    title: Markup
    text: Markup
    examples: Sequence[Markup] = ()
    rows: str = ""


class Attention(NamedTuple):
    items: Sequence[Item]
    left_out: int
    """How many broken rules, doubts and changes are not among them."""


def attention(material: Material, columns: Sequence[Described]) -> Attention:
    """Returns what needs attention, the most urgent first."""
    index = {described.column.name: described.index for described in columns}
    broken = [
        Remark(
            violation.column,
            violation.rule,
            violation.found,
            violation.examples,
            violation.rows,
            violation.file or "",
        )
        for violation in material.violations
    ]
    groups: list[tuple[str, str, Sequence[Remark]]] = [
        ("bad", "Broken rule", broken),
        ("doubt", "Doubt", material.doubts),
        ("change", "Change", material.changes),
    ]
    noticed = _noticed(columns)
    items: list[Item] = []
    left = MOST_BYTES - sum(map(_size, noticed))
    for kind, word, remarks in groups:
        for remark in remarks[:MOST]:
            item = _item(kind, word, remark, index)
            left -= _size(item)
            items += [item] if left >= 0 else []
    return Attention([*items, *noticed], sum(len(remarks) for *_, remarks in groups) - len(items))


def _size(item: Item) -> int:
    """Returns how many bytes of the page the item takes, about."""
    return 200 + sum(len(text.encode()) for text in (item.title, item.text, *item.examples, item.rows))


def _item(kind: str, word: str, remark: Remark, index: dict[str, int]) -> Item:
    where = f"row{'s' if len(remark.rows) > 1 else ''} {', '.join(map(str, remark.rows))}" if remark.rows else ""
    if remark.file:
        where = f"{where} of {remark.file}" if where else remark.file
    title = shown(remark.column, 128) if remark.column else escape("the table")
    text = shown(remark.message, 512)
    if remark.title:
        text = Markup("{}: {}").format(shown(remark.title, 256), text)
    examples = [shown(example, 80) for example in remark.examples]
    return Item(kind, word, index.get(remark.column or ""), title, text, examples, where)


def _noticed(columns: Sequence[Described]) -> list[Item]:
    """Returns what the figures show and no rule asks for, one item for all columns of which it is true."""
    features = [one for one in columns if not one.is_target]
    told = [(one, one.related.strength) for one in features if one.related.strength is not None]
    moved = [(one, one.moved) for one in columns if one.moved is not None and one.proven > 0]
    found = [
        _of(
            "almost the target",
            "In the sample nearly all of the target follows from it: will it be known when a prediction is asked for?",
            [(one, strength) for one, strength in told if strength >= TELLING],
        ),
        _of(
            "shifted",
            "It differs from the parent beyond doubt.",
            [(one, by) for one, by in moved if by >= MOVED],
            rough,
        ),
        _of("mostly missing", "", [(one, one.missing) for one in columns if one.missing >= MISSING]),
        _of(
            "one value alone", "No model learns from it.", [(one, None) for one in features if one.column.distinct == 1]
        ),
    ]
    return [item for item in found if item]


def _of(
    title: str, why: str, chosen: Sequence[tuple[Described, float | None]], written: Callable[[float], str] = percent
) -> Item | None:
    """Returns the item that this is true of the columns, the one with the greatest figure first."""
    if not chosen:
        return None
    ordered = sorted(chosen, key=lambda pair: -(pair[1] or 0.0))
    first, greatest = ordered[0]
    text = names([one.column.name for one, _ in ordered])
    if greatest is not None:
        text += escape(f" ({'' if len(ordered) == 1 else 'up to '}{written(greatest)})")
    if why:
        text += escape(f". {why}")
    return Item("note", "Noticed", first.index if len(ordered) == 1 else None, escape(title), text)
