"""Numbers and texts as people read them on the page. What comes from the data is made harmless here and by escaping."""

from __future__ import annotations

import math
import unicodedata

from markupsafe import Markup, escape

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of characters that nobody sees, or that change how the text around them is shown."""
_JOINER = "\u200d"
"""It joins emoji and letters, and is harmless."""


def shown(text: object, most: int = 60) -> Markup:
    """Returns a text from the data, at most ``most`` characters of it, whose direction touches nothing beside it."""
    return Markup("<bdi>{}</bdi>").format(plain(text, most))


def plain(text: object, most: int = 60) -> str:
    """Returns the beginning of a text, at most ``most`` characters, each hidden one as its code."""
    written: list[str] = []
    left = most
    for char in str(text)[: most + 1]:
        piece = f"⟨{ord(char):X}⟩" if _is_hidden(char) else char
        left -= len(piece)
        if left < 0:
            return f"{''.join(written)[: most - 1]}…"
        written.append(piece)
    return "".join(written)


def _is_hidden(char: str) -> bool:
    return char != _JOINER and unicodedata.category(char) in _HIDDEN


def count(number: float) -> str:
    return f"{number:,.0f}"


def counted(number: int, one: str, many: str = "") -> str:
    """Returns a number with its noun: ``1 row``, ``2 rows``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Returns a share in percent. Only nothing is 0 %, and only all is 100 %."""
    if share <= 0 or share >= 1:
        return "0 %" if share <= 0 else "100 %"
    if share < 0.001:
        return "<0.1 %"
    if share > 0.999:
        return ">99.9 %"
    return f"{share:.1%}".replace("%", " %") if share < 0.1 or share > 0.99 else f"{share:.0%}".replace("%", " %")


GROUPED = 10_000
"""Numbers from here on have their thousands apart; years have not."""


LONG = 1e15
"""Whole numbers below this are written out."""


def grouped(value: float, digits: int) -> str:
    """Returns a number with so many digits after the point."""
    return f"{value:,.{digits}f}" if abs(value) >= GROUPED else f"{value:.{digits}f}"


def figure(value: float | None) -> str:
    """Returns a number with four digits that count, or as it is if it is whole and not long."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < LONG:
        return grouped(value, 0)
    if not 1e-3 <= abs(value) < 1e7:
        return f"{value:.4g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = grouped(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def rough(value: float) -> str:
    """Returns a distance with two digits that count."""
    return f"{value:.2g}" if value >= 0.001 else "<0.001"


def names(listed: list[str], most: int = 8) -> Markup:
    """Returns names of columns, and how many more there are."""
    first = Markup(", ").join(shown(name, 40) for name in listed[:most])
    return first if len(listed) <= most else first + escape(f" and {len(listed) - most} more")
