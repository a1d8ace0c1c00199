"""Shows values of the data in messages, of which any may be long or hold what can't be printed."""

from __future__ import annotations

_MOST = 48


def shown(value: object) -> str:
    """Returns the value in quotes if it is a text, as Python writes it, and never longer than a message bears."""
    text = repr(value[: 2 * _MOST] if isinstance(value, str) else value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}...{text[-1] if isinstance(value, str) else ''}"
