"""Doubts about columns of texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import islice

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.tables.types.column import Column
from modelyard_runtime.tables.types.dates import TIME_OF_DAY, Dates
from modelyard_runtime.tables.types.doubts.tell import tell
from modelyard_runtime.tables.types.identity import ENOUGH, FEW, kind_of_identifier
from modelyard_runtime.tables.types.places import Place
from modelyard_runtime.tables.types.shown import shown
from modelyard_runtime.tables.types.styles import style_of

_SAMPLE = 2000
_HALF = 0.5
_MANY = 1000


def of_type(column: Column) -> Iterator[Doubt]:
    """Yields what speaks for another type than the one that was guessed: at most one thing, the likeliest."""
    type_, name = column.kind.type, column.title
    if type_ == "Identifier":
        yield from _identifier(column)
    elif type_ == "Text":
        text, place = _first(column)
        words = column.evidence.words
        message = (
            f"{name} is read as Text, which is never a feature: {len(words.counts)} of the first {words.seen} values "
            f"are different; declare it in spec.columns Category if they are classes"
        )
        yield tell(column, "FreeText", message, column.offered, text, place)
    elif type_ == "Category":
        doubt = _numbers(column) or _dates(column) or _zeros(column) or _many(column)
        if doubt:
            yield doubt


def of_values(column: Column) -> Iterator[Doubt]:
    """Yields doubts about single values of categories."""
    if column.kind.type == "Category":
        yield from _missing(column)
        yield from _alike(column)


def _identifier(column: Column) -> Iterator[Doubt]:
    what = kind_of_identifier(column.evidence.words)
    if what == "UUIDs":
        return
    text, place = _first(column)
    reason = "PhoneNumbers" if what == "telephone numbers" else "IdentifierGuessed"
    why = (
        f"its values look like {what}"
        if what
        else "nearly all of its values are different, and its name or their form is that of an identifier"
    )
    message = (
        f"{column.title} is read as Identifier, which is never a feature: {why}; declare it in "
        "spec.columns if it is something else"
    )
    yield tell(column, reason, message, column.offered, text, place)


def _numbers(column: Column) -> Doubt | None:
    """Tells of numbers in another style, and of words among numbers."""
    evidence, name = column.evidence, column.title
    texts = list(islice(evidence.words.counts, _SAMPLE))
    style = style_of(texts)
    if style is not None and 2 * (evidence.number + evidence.words.seen) > evidence.present:
        text, place = _first_that(column, lambda text: bool(style.pattern.match(text)))
        message = (
            f"{name} is read as Category, but its values look like {style.words}, such as {shown(text)}: {style.remedy}"
        )
        return tell(column, "NumbersAsText", message, evidence.present, text, place)
    if evidence.number and evidence.number == evidence.present:
        text, place = _first(column)
        message = (
            f"{name} is read as Category, as in the last version, but all {evidence.present} values are numbers, such "
            f"as {shown(text)}; declare it in spec.columns Float or Integer if it is a quantity"
        )
        return tell(column, "NumbersAsText", message, evidence.present, text, place)
    if evidence.number >= _HALF * evidence.present and evidence.number and not evidence.padded:
        text, place = _first_that(column, lambda _: True)
        message = (
            f"{name} is read as Category, but {evidence.number} of {evidence.present} values are numbers; others are "
            f"{', '.join(map(shown, texts[:3]))}: list those in spec.source.csv.missing, or declare it in spec.columns"
        )
        return tell(column, "MostlyNumbers", message, evidence.present - evidence.number, text, place)
    return None


def _dates(column: Column) -> Doubt | None:
    evidence, name = column.evidence, column.title
    texts = list(islice(evidence.words.counts, _SAMPLE))
    if evidence.dates.count >= _HALF * evidence.present and evidence.dates.count:
        text, place = _first_that(column, lambda text: Dates().add(text, 1))
        shapes = evidence.dates.unclear.most_common(1)
        is_unclear = evidence.dates.best()[0] is None and not evidence.dates.are_mixed(shapes[0][0])
        if is_unclear and not evidence.dates.formats:
            day, month = evidence.dates.readings(shapes[0][0])
            message = (
                f"{name} is read as Category: {shown(text)} may be {day} or {month}, and no value decides; declare it "
                "in spec.columns Timestamp with one of them as format"
            )
            return tell(column, "DatesUnclear", message, evidence.dates.count, text, place)
        message = (
            f"{name} is read as Category, but {evidence.dates.count} of {evidence.present} values look like dates, "
            f"such as {shown(text)}, in no single format; declare it in spec.columns Timestamp with a format, or "
            "write all as 2026-12-31"
        )
        return tell(column, "DatesAsText", message, evidence.dates.count, text, place)
    if texts and sum(bool(TIME_OF_DAY.fullmatch(text)) for text in texts) >= 0.9 * len(texts):
        text, place = _first_that(column, lambda text: bool(TIME_OF_DAY.fullmatch(text)))
        message = (
            f"{name} is read as Category, but its values look like times of the day, such as {shown(text)}; write "
            "hours as a number into the file, or join it with the date"
        )
        return tell(column, "TimesAsText", message, evidence.present, text, place)
    return None


def _zeros(column: Column) -> Doubt | None:
    first = column.evidence.first_padded
    if first is None or column.evidence.number + column.evidence.padded < column.evidence.present:
        return None
    message = (
        f"{column.title} is read as Category, since {column.evidence.padded} values such as {shown(first[0])} would "
        f"lose their zeros as numbers; declare it in spec.columns Integer if it is a quantity"
    )
    return tell(column, "LeadingZeros", message, column.evidence.padded, *first)


def _many(column: Column) -> Doubt | None:
    words = column.evidence.words
    different = len(words.counts)
    is_each = words.seen >= FEW and different == words.seen
    if not is_each and (words.seen < ENOUGH or (words.share <= _HALF and different <= _MANY)):
        return None
    text, place = _first(column)
    rows = (
        f"{different} different values in the first {words.seen} rows"
        if words.is_full
        else (f"{different} different values in {words.seen} rows")
    )
    message = (
        f"{column.title} is read as Category, but has {rows}: a model can't learn what hardly comes again; declare "
        "it in spec.columns Identifier or Text, or list it in spec.ignore"
    )
    return tell(column, "ManyCategories", message, different, text, place)


def _missing(column: Column) -> Iterator[Doubt]:
    met = {word: count for word, count in column.missing_words.items() if count}
    if not met:
        return
    word, _ = max(met.items(), key=lambda item: item[1])
    others = f" and {len(met) - 1} more words" if len(met) > 1 else ""
    message = (
        f"{column.title}: {sum(met.values())} values {shown(word)}{others} count as missing; write "
        'spec.source.csv.missing: [""] if they are values'
    )
    yield tell(column, "MissingWords", message, sum(met.values()), word, column.first_missing)


def _alike(column: Column) -> Iterator[Doubt]:
    groups: dict[str, list[str]] = {}
    words = column.evidence.words
    for text in words.counts:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        visible = "".join(each for each in folded if unicodedata.category(each) != "Cf")
        groups.setdefault(" ".join(visible.split()), []).append(text)
    alike = [texts for texts in groups.values() if len(texts) > 1]
    if not alike:
        return
    texts = sorted(alike[0], key=lambda text: -words.counts[text])
    rare = texts[-1]
    count = sum(
        sum(words.counts[text] for text in texts) - max(words.counts[text] for text in texts) for texts in alike
    )
    more = f", and so do {len(alike) - 1} more groups" if len(alike) > 1 else ""
    message = (
        f"{column.title}: {' and '.join(map(shown, texts[:3]))} differ in case, white space or form alone{more}; they "
        "are different categories; write them alike in the source if they are one"
    )
    yield tell(column, "CategoriesAlike", message, count, rare, words.places[rare])


def _first(column: Column) -> tuple[str, Place | None]:
    return column.evidence.first or ("", None)


def _first_that(column: Column, fits: object) -> tuple[str, Place | None]:
    words = column.evidence.words
    text = next((text for text in words.counts if fits(text)), None)  # type: ignore[operator]
    return (text, words.places[text]) if text is not None else _first(column)
