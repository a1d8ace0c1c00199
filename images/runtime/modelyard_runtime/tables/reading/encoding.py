"""Tells how the characters of a file are written, and turns them into UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks; the longer ones of a common beginning are first."""
GUESS = "windows-1252"
"""What text is that is not UTF-8: the superset of Latin-1 that Windows writes in Western Europe and America."""
_SIGNS = "€‚ƒ„…†‡ˆ‰‹“”•–—˜™›"
_FOREIGN = re.compile(
    r"(?!(.)\1\1)[¡-ÿ]{3}"  # Cyrillic, Greek, Chinese: hardly any ASCII within a word
    rf"|[^\W\d_][{_SIGNS}][^\W\d_]"  # DOS: signs for umlauts
    r"|[a-zß-ÿ][ŠŽŸŒ]"  # Macintosh: capitals within a word
    rf"|[{_SIGNS}‘’ŠŒŽšœžŸ]{{2}}"  # Japanese
)
"""What other encodings look like when they are read as GUESS, and Western languages seldom do."""
_MOST_FOREIGN = 0.5
"""The share of characters beyond ASCII from which on such looks are no accident."""


class BadBytes(Exception):
    """Bytes that the encoding has no character for. ``before`` is the text before them, as UTF-8."""

    def __init__(self, before: bytes, byte: int, encoding: str) -> None:
        super().__init__(encoding)
        self.before, self.byte, self.encoding = before, byte, encoding


def marked(start: bytes) -> tuple[str | None, int]:
    """Returns the encoding by the byte order mark, and the mark's length; (None, 0) without one."""
    return next(((name, len(bom)) for bom, name in BOMS.items() if start.startswith(bom)), (None, 0))


def wide(start: bytes) -> str | None:
    """Returns UTF-16's name if the text looks like it: every second byte of Western text is 0 then."""
    even, odd = start[0:4096:2], start[1:4096:2]
    if len(odd) < 2 or (b"\0" in even and b"\0" in odd):
        return None
    zeros = {"utf-16-le": odd.count(0) / len(odd), "utf-16-be": even.count(0) / len(even)}
    return next((name for name, share in zeros.items() if share > 0.7), None)


def first_bad(data: bytes, ends: bool) -> int | None:
    """Returns the position of the first byte that is no UTF-8; a character that is cut off at the end is bad if the
    text ``ends`` there."""
    try:
        codecs.utf_8_decode(data, "strict", ends)
    except UnicodeDecodeError as error:
        return error.start
    return None


def guessed(data: bytes) -> str | None:
    """Returns GUESS if the text can be it, and else None: it has bytes without meaning, or letters in strange rows."""
    try:
        text = data.decode(GUESS)
    except UnicodeDecodeError:
        return None
    beyond = sum(not char.isascii() for char in text)
    foreign = sum(len(match[0]) for match in _FOREIGN.finditer(text))
    return None if foreign > _MOST_FOREIGN * beyond else GUESS


class ToUTF8:
    """A stream of bytes in any encoding as UTF-8, without a byte order mark."""

    def __init__(self, read: Callable[[int], bytes], encoding: str) -> None:
        self._read, self._encoding = read, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_first = True

    def read(self, size: int) -> bytes:
        """Returns some bytes, none at the end. Raises BadBytes."""
        while True:
            data = self._read(size)
            pending = self._decoder.getstate()[0]
            try:
                text = self._decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                before = (pending + data)[: error.start].decode(self._encoding, "ignore").encode()
                raise BadBytes(before, error.object[error.start], self._encoding) from error
            if self._is_first and text:
                text, self._is_first = text.removeprefix("\ufeff"), False
            if text or not data:
                return text.encode("utf-8", "surrogatepass")
