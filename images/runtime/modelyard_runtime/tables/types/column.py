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
from modelyard_runtime.tables.types.identity import ENOUGH, is_named_identifier, type_of
from modelyard_runtime.tables.types.kinds import TEXTS, Kind
from modelyard_runtime.tables.types.places import Place, Where, first_of
from modelyard_runtime.tables.types.plain import plain
from modelyard_runtime.tables.types.texts import Cleaner
from modelyard_runtime.tables.types.words import Words

_SURE = 1000
"""So many values without many numbers or dates among them, and the column is one of words."""
_MOST_MISFITS = 100


class Column:
    """``kind`` is the type so far. ``is_fixed`` means that it was declared, or is that of the last version."""

    def __init__(self, name: str, kind: Kind | None, cleaner: Cleaner, style: NumberStyle, limit: int) -> None:
        self.name, self.kind, self.is_fixed = name, kind or Kind("Float"), kind is not None
        self._cleaner, self._style = cleaner, style
        self._converter = Converter(self.kind, style)
        self._is_words = False
        self._named: Kind | None = None
        """Identifier, if whole numbers are one since the column's name says so."""
        self.is_final = False
        """Whether no more evidence is taken: the batches come for the second time."""
        self.evidence = Evidence(limit)
        self.missing_words: dict[str, int] = {}
        self.misfits = Words(_MOST_MISFITS)
        self.offered = 0
        """How many present values there were."""
        self.odd_times: dict[str, tuple[int, Place]] = {}

    def take(self, column: pa.Array, is_text: bool, where: Where) -> tuple[pa.Array, bool]:
        """Returns a batch's values in the type so far, and whether that has just changed. Raises UserError."""
        was = self.kind
        if is_text and pa.types.is_string(column.type):
            values = self._written(column, where)
        else:
            values = self._stored(plain(column, self.name), where)
        return values, self.kind != was

    def again(self) -> None:
        """The batches come once more, and the type is final."""
        self.finish()
        self.offered, self.misfits, self.odd_times = 0, Words(_MOST_MISFITS), {}

    def finish(self) -> None:
        """All batches have come once: whether texts are free text or identifiers is told by all of them."""
        self.is_final = True
        if not self.is_fixed and self.kind.type in TEXTS and self.evidence.present:
            self.kind = self._named or Kind(type_of(self.evidence.words, self.name))

    def _written(self, column: pa.Array, where: Where) -> pa.Array:
        """Takes texts as they were written."""
        if (self.evidence.present or self.is_fixed) and not self._cleaner.has_numbers:
            values = self._converter.at_once(column)
            if values is not None:
                self.offered += len(values) - values.null_count
                self._count(values)
                return values
        cleaned = self._cleaner.clean(column)
        if not self.is_final:
            self._count_missing(column, cleaned)
            if self.evidence.present == 0 or (self.kind.type in TEXTS and not self._is_words):
                self.evidence.look(numbers.normal(cleaned, self._style), where)
                self._name_tells(cleaned)
                self._decide()
                return self._kept(cleaned, self._converter.convert(cleaned), where)
        return self._taken(cleaned, where)

    def _taken(self, cleaned: pa.Array, where: Where) -> pa.Array:
        """Takes a later batch of texts: what is not of the type so far is looked at."""
        converted = self._converter.convert(cleaned)
        if self.is_final:
            return self._kept(cleaned, converted, where)
        if self.kind.type in TEXTS:
            self._add_words(converted.values, where)
        else:
            self._count(converted.values)
            if converted.other is not None:
                rest = pc.if_else(converted.other, cleaned, pa.scalar(None, pa.string()))
                self.evidence.look(numbers.normal(rest, self._style), where)
                was = self.kind
                self._decide()
                if self.kind != was:
                    converted = self._converter.convert(cleaned)
        return self._kept(cleaned, converted, where)

    def _stored(self, column: pa.Array, where: Where) -> pa.Array:
        """Takes the values of a typed file."""
        if not self.is_final and column.null_count < len(column):
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
            if kind != self.kind:
                self.kind, self._converter = kind, Converter(kind, self._style, lenient=False)
        likely = max(evidence.number, evidence.dates.count, evidence.boolean)
        self._is_words = evidence.present >= _SURE and likely < evidence.present / 2

    def _name_tells(self, column: pa.Array) -> None:
        """Takes whole numbers for identifiers, by the first values: their name says so, and all are different."""
        seen = self.evidence
        if seen.present == seen.whole == len(column) - column.null_count and is_named_identifier(self.name, True):
            is_enough = seen.present >= ENOUGH and not self.is_fixed
            if is_enough and pc.count_distinct(column).as_py() == seen.present:
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
                evidence.dates.formats[ISO_FORMAT if self.kind.format is None else self.kind.format] += present

    def _count_missing(self, column: pa.Array, cleaned: pa.Array) -> None:
        empty = column.null_count + pc.sum(pc.equal(pc.binary_length(column), 0)).as_py() if len(column) else 0
        if cleaned.null_count > empty:
            for word, count in self._cleaner.words(column).items():
                self.missing_words[word] = self.missing_words.get(word, 0) + count

    def _add_words(self, column: pa.Array, where: Where) -> None:
        present = len(column) - column.null_count
        self.evidence.present += present
        if self.evidence.words.is_full:
            self.evidence.words.total += present
            return
        found = first_of(column, where)
        self.evidence.words.add((str(text), count, place) for text, (count, place) in found.items())

    def _kept(self, column: pa.Array, converted: Converted, where: Where) -> pa.Array:
        """Remembers what was not of the type, and returns the rest."""
        self.offered += len(column) - column.null_count
        if converted.other is not None:
            bad = pc.if_else(converted.other, column, pa.scalar(None, column.type))
            self.misfits.add((str(text), count, place) for text, (count, place) in first_of(bad, where).items())
        for name, mask in (("skipped", converted.skipped), ("twice", converted.twice)):
            if mask is not None and mask.any():
                count, place = self.odd_times.get(name, (0, Place(where.first_row + int(np.argmax(mask)), where.file)))
                self.odd_times[name] = count + int(mask.sum()), place
        return converted.values
