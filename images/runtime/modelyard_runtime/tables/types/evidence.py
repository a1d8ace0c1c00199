"""What was seen of a column of texts: how many of its values are numbers, booleans, dates or other words."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_runtime.tables.reading.batch import NumberStyle
from modelyard_runtime.tables.types import numbers
from modelyard_runtime.tables.types.dates import Dates
from modelyard_runtime.tables.types.places import Place, Where, first_of
from modelyard_runtime.tables.types.words import Words

_BOOLEANS = frozenset(("true", "True", "TRUE", "false", "False", "FALSE"))
"""The words by which a Boolean is inferred. A declared one may be written in other words too."""
_WHOLE, _NUMBER = rf"^{numbers.WHOLE}(\.0*)?$", rf"^({numbers.NUMBER}|{numbers.SPECIAL})$"
_PADDED = r"^[+-]?0[0-9]+$"
_PHONE = r"^\+[1-9][0-9]{7,14}$"
"""A number by E.164: to a program a whole number with a sign."""
_PROBE = 200
"""How many different texts are looked at to see whether dates are among them."""


class Evidence:
    """Counts of present values. ``words`` are those that are neither numbers nor, in a column of them, booleans."""

    def __init__(self, limit: int, style: NumberStyle) -> None:
        self._style = style
        self.present = self.number = self.whole = self.boolean = self.padded = 0
        self.looked = 0
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
        found = {str(text): (count, place) for text, (count, place) in first_of(column, where).items()}
        if not found:
            return
        texts = pa.array(list(found), pa.string())
        plain = pc.fill_null(pc.replace_substring(numbers.normal(texts, self._style), numbers.MINUS, "-"), "")
        is_number, is_whole, is_padded = (
            pc.match_substring_regex(plain, pattern).to_numpy(zero_copy_only=False)
            for pattern in (_NUMBER, _WHOLE, _PADDED)
        )
        is_number &= ~pc.match_substring_regex(plain, _PHONE).to_numpy(zero_copy_only=False)
        is_number &= are_numbers
        probe = [text for text, number in zip(list(found)[:_PROBE], is_number[:_PROBE], strict=False) if not number]
        may_be_dates = any(Dates().add(text, 1) for text in probe)
        words = []
        for index, (text, (count, place)) in enumerate(found.items()):
            self.first = self.first or (text, place)
            self.present += count
            self.looked += count
            if is_number[index]:
                self.number += count
                if is_whole[index]:
                    self.whole += count
                    self.is_too_large |= len(text) > 18 and not _fits(plain[index].as_py())
                continue
            if are_numbers and is_padded[index]:
                self.padded += count
                self.first_padded = self.first_padded or (text, place)
            if are_numbers and text in _BOOLEANS:
                self.boolean += count
            elif may_be_dates:
                self.dates.add(text, count)
            words.append((text, count, place))
        self.words.add(words)


def _fits(text: str) -> bool:
    return -(2**63) <= int(text.partition(".")[0]) < 2**63
