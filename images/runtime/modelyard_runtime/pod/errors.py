"""Errors that the user must fix: no retry helps, and the message says what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """``reason`` is in CamelCase; ``field`` is the spec's field; ``message`` names the value and what is allowed."""

    def __init__(self, reason: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.reason, self.field = reason, field
        text = " ".join(f"{field}: {message}".split() if field else message.split())
        self.message = text.encode(errors="replace").decode()  # the name of a file need not be UTF-8

    def about(self, field: str) -> UserError:
        """Returns the same error as one of ``field``, unless its own field is below that."""
        if self.field and self.field.startswith(field):
            return self
        return UserError(self.reason, self.message.removeprefix(f"{self.field}: "), field)


def one_of(value: str, allowed: Iterable[str], most: int = 40) -> str:
    """Returns the message that ``value`` is not in ``allowed``: first the nearest names, then up to ``most`` names."""
    names = list(allowed)
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    shown = ", ".join(names[:most]) + (", ..." if len(names) > most else "")
    return f"{value!r} is not known; {hint}There are {shown or 'none'}"


class Retriable(Exception):
    """An error that another pod may not meet: it counts as a failed attempt, and is told with this reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
