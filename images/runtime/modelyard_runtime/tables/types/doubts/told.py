"""Collects what is doubtful about a table's columns, the weightiest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.disguise import Disguise
from modelyard_runtime.tables.types.doubts import of_numbers, of_texts, of_times
from modelyard_runtime.tables.types.doubts.tell import tell
from modelyard_runtime.tables.types.kinds import TEXTS
from modelyard_runtime.tables.types.shown import shown
from modelyard_runtime.tables.types.spans import Span

_SINGLE = 4
"""So many columns with the same doubt are told one by one, all others together."""


def doubts(
    columns: Iterable[Column], spans: dict[str, Span], disguise: Disguise, declared: set[str], target: str | None
) -> list[Doubt]:
    """Returns all doubts. Nobody has to be told of a type that is declared."""
    columns = list(columns)
    by_name = {column.name: column for column in columns}
    found = list(_of_target(by_name, disguise, target))
    for column in columns:
        if column.name not in declared:
            found += _of_type(column, spans)
    for column in columns:
        found += of_texts.of_values(column) if column.kind.type in TEXTS else ()
        found += of_times.of_times(column) if column.kind.type == "Timestamp" else ()
        found += of_numbers.of_values(column, spans[column.name]) if column.name in spans else ()
    for column in columns:
        found += _constant(column, spans.get(column.name))
    return list(_grouped(found))


def _of_type(column: Column, spans: dict[str, Span]) -> Iterator[Doubt]:
    if column.kind.type in TEXTS:
        yield from of_texts.of_type(column)
    elif column.kind.type in ("Integer", "Float") and column.offered:
        yield from of_numbers.of_type(column, spans[column.name])


def _of_target(columns: dict[str, Column], disguise: Disguise, target: str | None) -> Iterator[Doubt]:
    for name, mapped in disguise.found().items():
        if columns[name].kind.type == "Identifier":
            continue
        value, class_ = mapped.pair
        how = "is the target in other words" if mapped.values == mapped.classes else "determines the target"
        message = (
            f"{shown(name)} {how}: in {mapped.rows} rows each of its {mapped.values} values goes with one of "
            f"{shown(target)} alone, {shown(value)} with {shown(class_)}; list it in spec.ignore if it is not known "
            "before the target is"
        )
        yield tell(columns[name], "TargetInDisguise", message, mapped.rows, value)
    for name, rows in disguise.straight.items():
        message = (
            f"{shown(name)} is the target in another unit: in {rows} rows it lies on one line with {shown(target)}; "
            "list it in spec.ignore if it is not known before the target is"
        )
        yield tell(columns[name], "TargetInDisguise", message, rows)


def _constant(column: Column, span: Span | None) -> Iterator[Doubt]:
    if not column.offered:
        message = f"{column.title} has no value in any row; list it in spec.ignore if that is right"
        yield tell(column, "EmptyColumn", message, column.rows)
        return
    words = column.evidence.words
    is_text = column.kind.type in TEXTS
    if column.evidence.is_too_large:
        return
    is_constant = span is not None and span.least == span.greatest
    if is_text:
        is_constant = len(words.counts) == 1 and not column.evidence.number
    if is_constant and column.offered == column.rows > 1:
        value = next(iter(words.counts)) if is_text else None
        message = f"{column.title} has the same value in all {column.rows} rows; list it in spec.ignore"
        yield tell(column, "ConstantColumn", message, column.rows, value)


def _grouped(found: list[Doubt]) -> Iterator[Doubt]:
    """Yields the doubts; of many columns with the same, the first ones, and the names of the rest in one."""
    of_reason: dict[str, list[Doubt]] = {}
    for doubt in found:
        of_reason.setdefault(doubt.reason, []).append(doubt)
    for reason, same in of_reason.items():
        alone = same if len(same) <= _SINGLE + 1 else same[:_SINGLE]
        yield from alone
        if rest := same[len(alone) :]:
            names = ", ".join(repr(doubt.column) for doubt in rest[:10]) + (", ..." if len(rest) > 10 else "")
            message = f"the same holds for {len(rest)} more columns, {names}: look at the first ones"
            yield Doubt(reason=reason, message=message, count=len(rest))
