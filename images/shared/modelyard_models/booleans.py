"""The words of a Boolean."""

from __future__ import annotations

TRUE = ("true", "yes", "y", "t", "on", "1", "1.0")
FALSE = ("false", "no", "n", "f", "off", "0", "0.0")


def boolean(text: str) -> bool | None:
    """Returns what a cleaned text says in upper or lower case, or None if it is no word of a Boolean."""
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else None
