"""What was seen of a column of texts: how many of its values are numbers, booleans, dates or other words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from modelyard_runtime.tables.reading.batch import NumberStyle
from modelyard_runtime.tables.types import numbers
from modelyard_runtime.tables.types.dates import Dates
from modelyard_runtime.tables.types.places import Distinct, Place, Where, distinct
from modelyard_runtime.tables.types.words import Words

_BOOLEANS = pa.array(["true", "True", "TRUE", "false", "False", "FALSE"])
"""The words by which a Boolean is inferred. A declared one may be written in other words too."""
_WHOLE, _NUMBER = rf"^{numbers.WHOLE}(\.0*)?$", rf"^({numbers.NUMBER}|{numbers.SPECIAL})$"
_PADDED = r"^[+-]?0[0-9]+$"
_PHONE = r"^\+[1-9][0-9]{7,14}$"
"""A number by E.164: to a program a whole number with a sign."""
_DIGITS = 18
"""So many characters of a whole number fit into 64 bits."""
_PROBE = 200
"""How many different texts are looked at to see whether dates are among them."""


class Evidence:
    """Counts of present values. ``words`` are those that are neither numbers nor, in a column of them, booleans."""

    def __init__(self, limit: int, style: NumberStyle) -> None:
        self._style = style
        self.present = self.number = self.whole = self.boolean = self.padded = 0
        self.is_too_large = False
        """Whether a whole number has more than 64 bits."""
        self.dates = Dates()
        self.words = Words(limit)
        self.first: tuple[str, Place] | None = None
        self.first_padded: tuple[str, Place] | None = None

    def add_numbers(self, count: int, whole: bool) -> None:
        """Counts numbers that were read as such."""
        self.present += count
        self.number += count
        self.whole += count if whole else 0

    def look(self, column: pa.Array, where: Where, are_numbers: bool = True) -> None:
        """Counts cleaned texts by what they may be. Those of a typed file are no numbers, whatever they look like."""
        found = distinct(column, where)
        if not len(found.texts):
            return
        self.first = self.first or (found.texts[0].as_py(), found.place(0))
        self.present += int(found.counts.sum())
        is_number = np.zeros(len(found.texts), dtype=bool)
        if are_numbers:
            is_number = self._numbers(found)
            self.boolean += int(found.counts[_mask(pc.is_in(found.texts, _BOOLEANS))].sum())
        others = found.where(~is_number)
        self.words.add(others)
        if any(Dates().add(text, 1) for text in others.texts[:_PROBE].to_pylist()):
            for text, count in zip(others.texts.to_pylist(), others.counts.tolist(), strict=True):
                self.dates.add(text, count)

    def _numbers(self, found: Distinct) -> NDArray[np.bool_]:
        """Counts numbers, and returns which texts are one."""
        plain = pc.fill_null(pc.replace_substring(numbers.normal(found.texts, self._style), numbers.MINUS, "-"), "")
        is_number, is_whole, is_padded, is_phone = (
            _mask(pc.match_substring_regex(plain, pattern)) for pattern in (_NUMBER, _WHOLE, _PADDED, _PHONE)
        )
        is_number, is_whole = is_number & ~is_phone, is_whole & ~is_phone
        self.number += int(found.counts[is_number].sum())
        self.whole += int(found.counts[is_whole].sum())
        is_long = is_whole & _mask(pc.greater(pc.binary_length(plain), _DIGITS))
        self.is_too_large |= not all(_fits(text) for text in plain.filter(pa.array(is_long)).to_pylist())
        if is_padded.any():
            self.padded += int(found.counts[is_padded].sum())
            index = int(np.argmax(is_padded))
            self.first_padded = self.first_padded or (found.texts[index].as_py(), found.place(index))
        return is_number


def _mask(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def _fits(text: str) -> bool:
    digits = text.partition(".")[0]
    return len(digits) <= _DIGITS + 2 and -(2**63) <= int(digits) < 2**63
