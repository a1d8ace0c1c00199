"""One column while its batches are read: its type, and what was seen that speaks for it or against it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.tables.reading.batch import NumberStyle
from modelyard_runtime.tables.types import numbers
from modelyard_runtime.tables.types.convert import Converted, Converter
from modelyard_runtime.tables.types.dates import ISO_FORMAT
from modelyard_runtime.tables.types.decide import decide
from modelyard_runtime.tables.types.evidence import Evidence
from modelyard_runtime.tables.types.identity import ENOUGH, is_named_identifier
from modelyard_runtime.tables.types.kinds import TEXTS, Kind
from modelyard_runtime.tables.types.places import Place, Where, distinct
from modelyard_runtime.tables.types.plain import NONE_MISSING, plain
from modelyard_runtime.tables.types.shown import shown
from modelyard_runtime.tables.types.texts import Cleaner, without_empty
from modelyard_runtime.tables.types.words import Words

_SURE = 1000
"""So many values without many numbers or dates among them, and the column is one of words."""
_MOST_LOOKS = 200_000
_MOST_MISFITS = 100
_HEAD = 4096
"""So many rows of the first batch are looked at to guess the type."""


class Column:
    """``kind`` is the type so far. ``is_fixed`` means that it was declared, or is that of the last version."""

    def __init__(
        self,
        name: str,
        kind: Kind | None,
        cleaner: Cleaner,
        style: NumberStyle,
        limit: int,
        is_target: bool = False,
        yields: bool = False,
    ) -> None:
        """``limit`` is how many different texts are remembered. A target is a set of classes, if it is texts. A
        ``kind`` that ``yields`` holds until a value is not of it."""
        self.name, self.kind, self.is_fixed = name, kind or Kind("Float"), kind is not None
        self._is_target, self._yields = is_target, yields
        self._cleaner, self._style = cleaner, style
        self._converter = Converter(self.kind, style, lenient=self.is_fixed)
        self._is_words = self.is_written = False
        self._is_plain = not cleaner.has_numbers
        """Whether all texts so far were plain numbers, without a missing one."""
        self._named: Kind | None = None
        """Identifier, if whole numbers are one since the column's name says so."""
        self.is_final = False
        """Whether no more evidence is taken: the batches come for the second time."""
        self._limit = limit
        self.evidence = Evidence(limit, style)
        self.missing_words: dict[str, int] = {}
        self.misfits = Words(_MOST_MISFITS)
        self.offered = 0
        """How many present values there were."""
        self.rows = 0
        self.with_zone = self.without_zone = 0
        """How many times were written with their offset from UTC, and how many without one."""
        self.first_missing: Place | None = None
        self.odd_times: dict[str, tuple[int, Place]] = {}
        self.encoded: pa.DictionaryArray | None = None
        """The batch that was taken last as indices of its different texts, if it came to that."""

    @property
    def title(self) -> str:
        """The name, for a message."""
        return shown(self.name)

    def take(self, column: pa.Array, is_text: bool, where: Where) -> tuple[pa.Array, bool]:
        """Returns a batch's values in the type so far, and whether that has just changed. Raises UserError."""
        was, self.encoded = self.kind, None
        self.rows += len(column)
        if _is_beyond(column):
            column, is_text = column.cast(pa.string()), True
        if is_text and pa.types.is_string(column.type):
            self.is_written = True
            values = self._worded(column, where) if self._are_only_words else self._written(column, where)
        elif pa.types.is_string(column.type) and self._are_only_words:
            values = self._worded(column, where)
        else:
            values = self._stored(plain(column, self.name), where)
        return values, self.kind != was

    def again(self) -> None:
        """The batches come once more, and the type is final."""
        self.finish()
        self.offered = self.rows = 0
        self.with_zone = self.without_zone = 0
        if self.kind.type in TEXTS:
            self.evidence, self._is_words = Evidence(self._limit, self._style), False
        self.misfits, self.odd_times = Words(_MOST_MISFITS), {}

    def finish(self) -> None:
        """All batches have come once: whether texts are free text or identifiers is told by all of them."""
        self.is_final = True
        if not self.is_fixed and self.kind.type in TEXTS and self.evidence.present:
            kind = self._named or decide(self.evidence, self.name)
            if kind.type in TEXTS:
                self.kind = Kind("Category") if self._is_target else kind

    @property
    def _are_only_words(self) -> bool:
        return self._is_words and self.kind.type in TEXTS

    def _worded(self, column: pa.Array, where: Where) -> pa.Array:
        """Takes texts of a column that is known to be one of words: each different one is cleaned once."""
        written = column.dictionary_encode()
        self.encoded = (self._cleaner if self.is_written else NONE_MISSING).clean_each(written)
        values = column if self.encoded is written else self.encoded.dictionary_decode()
        if self.is_written and not self.is_final:
            self._count_missing(column, values, where)
        self._add_words(self.encoded, where)
        self.offered += len(values) - values.null_count
        return values

    def _written(self, column: pa.Array, where: Where) -> pa.Array:
        """Takes texts as they were written."""
        if self._is_plain and self.evidence.present:
            values = self._converter.at_once(given := without_empty(column))
            if values is not None:
                if values.null_count > given.null_count and not self.is_final:
                    self._count_missing(column, values, where)
                self.offered += len(values) - values.null_count
                self._count(values)
                return values
            self._is_plain = False  # to fail is slow
        cleaned = self._cleaner.clean(column)
        if self.is_final:
            return self._again(cleaned, where, True)
        self._count_missing(column, cleaned, where)
        start = 0
        if self.evidence.present == 0 or (self.kind.type in TEXTS and not self._is_words):
            start = _HEAD if self.evidence.present == 0 else len(cleaned)
            self.evidence.look(cleaned[:start], where)
            self._name_tells(cleaned)
            self._decide()
        return self._kept(cleaned, self._observed(cleaned, start, where), where)

    def _again(self, column: pa.Array, where: Where, are_numbers: bool) -> pa.Array:
        """Converts a batch that comes for the second time. Its words were not all counted as such the first time."""
        converted = self._converter.convert(column)
        if self.kind.type in TEXTS:
            if self._is_words:
                self._add_words(converted.values, where)
            else:
                self.evidence.look(converted.values, where, are_numbers)
                self._is_words = self._are_words()
        return self._kept(column, converted, where)

    def _observed(self, cleaned: pa.Array, start: int, where: Where) -> Converted:
        """Returns all texts in the type that the column has after those from ``start`` on were looked at, too."""
        was, converted = self.kind, self._converter.convert(cleaned)
        if start >= len(cleaned):
            return converted
        hidden = np.arange(len(cleaned)) < start
        if self.kind.type in TEXTS:
            self._add(_without(converted.values, hidden), where)
        else:
            self._count(_without(converted.values, hidden))
            if converted.other is not None:
                rest = _without(cleaned, hidden | ~converted.other.to_numpy(zero_copy_only=False))
                self.evidence.look(rest, where)
                self._decide()
        return converted if self.kind == was else self._converter.convert(cleaned)

    def _add(self, texts: pa.Array, where: Where) -> None:
        """Counts texts of a column of words, which may still turn out to be numbers or dates."""
        if self._is_words:
            self._add_words(texts, where)
        else:
            self.evidence.look(texts, where)
            self._decide()

    def _stored(self, column: pa.Array, where: Where) -> pa.Array:
        """Takes the values of a typed file."""
        if self.is_final:
            return self._again(column, where, False)
        if column.null_count < len(column):
            present, evidence = len(column) - column.null_count, self.evidence
            if pa.types.is_string(column.type):
                if self._is_words:
                    self._add_words(column, where)
                else:
                    evidence.look(column, where, are_numbers=False)
            elif pa.types.is_timestamp(column.type):
                evidence.present += present
                evidence.dates.formats[ISO_FORMAT] += present
            elif pa.types.is_boolean(column.type):
                evidence.present += present
                evidence.boolean += present
            else:
                whole = pa.types.is_integer(column.type) or numbers.is_whole(column)
                evidence.add_numbers(present, whole)
                self._name_tells(column)
            self._decide()
        return self._kept(column, self._converter.convert(column), where)

    def _decide(self) -> None:
        evidence = self.evidence
        if not self.is_fixed and evidence.present:
            kind = self._named or decide(evidence, self.name)
            kind = Kind("Category") if self._is_target and kind.type in TEXTS else kind
            if kind != self.kind:
                self.kind, self._converter = kind, Converter(kind, self._style, lenient=False)
        self._is_words = self._are_words()

    def _are_words(self) -> bool:
        """Whether no later values can make numbers, booleans or dates of the texts, or so many were looked at."""
        evidence = self.evidence
        likely = max(evidence.number, evidence.dates.count, evidence.boolean)
        is_sure = evidence.padded > 0 or likely < evidence.present / 2
        return evidence.present >= (_SURE if is_sure else _MOST_LOOKS)

    def _name_tells(self, column: pa.Array) -> None:
        """Takes whole numbers for identifiers, by the first values: their name says so, and they are many."""
        seen = self.evidence
        if seen.present == seen.whole == len(column) - column.null_count and is_named_identifier(self.name, True):
            is_enough = seen.present >= ENOUGH and not self.is_fixed and not self._is_target
            if is_enough and pc.count_distinct(column, mode="only_valid").as_py() >= ENOUGH:
                self._named = Kind("Identifier")

    def _count(self, values: pa.Array) -> None:
        """Counts values that are of the type so far."""
        evidence, present = self.evidence, len(values) - values.null_count
        if self.is_final:
            return
        if self.kind.type in ("Integer", "Float"):
            evidence.add_numbers(present, self.kind.type == "Integer")
        else:
            evidence.present += present
            if self.kind.type == "Boolean":
                evidence.boolean += present
            else:
                evidence.dates.confirm(ISO_FORMAT if self.kind.format is None else self.kind.format, present)

    def _count_missing(self, column: pa.Array, cleaned: pa.Array, where: Where) -> None:
        if cleaned.null_count == column.null_count:
            return
        empty = column.null_count + pc.sum(pc.equal(pc.binary_length(column), 0)).as_py()
        if cleaned.null_count > empty:
            for word, count in self._cleaner.words(column).items():
                self.missing_words[word] = self.missing_words.get(word, 0) + count
            if self.missing_words and self.first_missing is None:
                is_word = pc.and_(pc.is_null(cleaned), pc.greater(pc.binary_length(column), 0))
                self.first_missing = Place(where.first_row + pc.index(is_word, True).as_py(), where.file)

    def _add_words(self, column: pa.Array, where: Where) -> None:
        present = len(column) - column.null_count
        self.evidence.present += present
        if self.evidence.words.is_full:
            self.evidence.words.total += present
            return
        self.evidence.words.add(distinct(column, where))

    def _kept(self, column: pa.Array, converted: Converted, where: Where) -> pa.Array:
        """Remembers what was not of the type, and returns the rest."""
        self.offered += len(column) - column.null_count
        if self._yields and converted.other is not None and not self.is_final:
            self.is_fixed = self._yields = False
            self._decide()
            converted = self._converter.convert(column)
        if converted.other is not None:
            bad = pc.if_else(converted.other, column, pa.scalar(None, column.type))
            self.misfits.add(distinct(bad, where))
        self.with_zone += converted.with_zone
        self.without_zone += converted.without_zone
        for name, mask in (("skipped", converted.skipped), ("twice", converted.twice)):
            if mask is not None and mask.any():
                count, place = self.odd_times.get(name, (0, Place(where.first_row + int(np.argmax(mask)), where.file)))
                self.odd_times[name] = count + int(mask.sum()), place
        return converted.values


def _is_beyond(column: pa.Array) -> bool:
    """Whether unsigned numbers don't fit into 64 bits with a sign."""
    return bool(pa.types.is_uint64(column.type) and (pc.max(column).as_py() or 0) >= 2**63)


def _without(column: pa.Array, hidden: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(hidden), pa.scalar(None, column.type), column) if hidden.any() else column
