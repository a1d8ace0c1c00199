"""Cuts the bytes of a CSV file into blocks of whole records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

BLOCK = 4 << 20
"""Bytes of a block."""
MOST_RECORD = 16 << 20
"""Most bytes of one record. A quote that is never closed makes one record of the whole rest of a file."""


class TooLong(Exception):
    """A record of more than MOST_RECORD bytes."""


class Misquoted(Exception):
    """A quote that is never closed, or that is closed before the end of its value; ``block`` begins with a record."""

    def __init__(self, block: bytes, position: int, is_open: bool) -> None:
        super().__init__(position)
        self.block, self.position, self.is_open = block, position, is_open


class Cutter:
    """Cuts a stream at the ends of records, for one delimiter and one quote ("" for none)."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self._mark, self._quote = delimiter.encode(), quote.encode()
        self._records = _records(self._mark, self._quote or b'"')
        self._tokens = _tokens(self._mark, self._quote or b'"')

    def blocks(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        """Yields blocks of whole records, of which only the last may lack a line end. Raises TooLong and Misquoted."""
        rest = b""
        while data := read(BLOCK):
            chunk = rest + data
            block, rest = self._cut(chunk)
            if block:
                yield block
            if len(rest) > MOST_RECORD:
                raise TooLong
        if rest:
            block, rest = self._cut(rest, ends=True)
            yield block

    def _cut(self, chunk: bytes, ends: bool = False) -> tuple[bytes, bytes]:
        """Returns the whole records of ``chunk`` and the rest; all of it if the stream ``ends`` there."""
        if not self._quote or self._quote not in chunk:
            end = len(chunk) if ends else _line_end(chunk, len(chunk))
            return chunk[:end], chunk[end:]
        quotes = plain_quotes(chunk, self._mark, self._quote)
        if quotes is None:
            return self._scan(chunk, ends)
        if ends:
            if len(quotes) % 2:
                raise Misquoted(chunk, int(quotes[-1]), is_open=True)
            return chunk, b""
        end = _line_end(chunk, len(chunk))
        while end:
            # A newline is the end of a record if the quotes before it are closed.
            before = int(np.searchsorted(quotes, end))
            if before % 2 == 0:
                return chunk[:end], chunk[end:]
            end = _line_end(chunk, int(quotes[before - 1]))
        return b"", chunk

    def _scan(self, chunk: bytes, ends: bool) -> tuple[bytes, bytes]:
        """As ``_cut``, where quotes stand within values that are not quoted. Raises Misquoted."""
        match = self._records.match(chunk, 0, len(chunk) - (not ends))
        start = match.end() if match else 0
        block, rest = self._tidied(chunk, start, ends)
        return chunk[:start] + block, rest

    def _tidied(self, chunk: bytes, start: int, ends: bool) -> tuple[bytes, bytes]:
        """Returns the whole records from ``start`` on, value by value, without the spaces around quotes, and the rest.
        Raises Misquoted."""
        out: list[bytes] = []
        position = cut = start
        cut_out = 0
        for token in self._tokens.finditer(chunk, start):
            position = token.end()
            if token["open"]:
                if ends:
                    raise Misquoted(chunk, token.start("open"), is_open=True)
                break
            if token["after"]:
                raise Misquoted(chunk, token.start("after"), is_open=False)
            out.append(token["quoted"] or token["plain"] or b"")
            out.append(token["mark"])
            if token["mark"] in (b"\n", b"\r\n", b"\r"):
                # A lone "\\r" at the end of the chunk may be the half of a line end.
                if token["mark"] == b"\r" and position == len(chunk):
                    break
                cut, cut_out = position, len(out)
            if not token["mark"]:
                break
        if ends:
            return b"".join(out), b""
        return b"".join(out[:cut_out]), chunk[cut:]


def plain_quotes(data: bytes, mark: bytes, quote: bytes) -> np.ndarray | None:
    """Returns the positions of the quotes if each tells by its number alone whether it opens or closes, else None.

    That is so if every opening one follows a delimiter, a line end or a quote, and every closing one precedes one."""
    codes = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(codes == quote[0])
    beside = np.zeros(256, bool)
    beside[[*mark, *b"\r\n", *quote]] = True
    opening, closing = quotes[::2], quotes[1::2]
    first, last = opening[opening > 0], closing[closing < len(codes) - 1]
    return quotes if beside[codes[first - 1]].all() and beside[codes[last + 1]].all() else None


def _line_end(chunk: bytes, stop: int) -> int:
    """Returns the position after the last line end before ``stop``; 0 if there is none."""
    if end := chunk.rfind(b"\n", 0, stop) + 1:
        return end
    # Lines that end in "\r" alone; the last one may be half of "\r\n".
    return chunk.rfind(b"\r", 0, min(stop, len(chunk) - 1)) + 1


def _records(mark: bytes, quote: bytes) -> re.Pattern[bytes]:
    """Returns the pattern of records whose quoted values have no single quote within, and no space before them."""
    m, q = re.escape(mark), re.escape(quote)
    quoted = b"%b[^%b]*+(?:%b%b[^%b]*+)*+%b(?=[%b\\r\\n])" % (q, q, q, q, q, q, m)
    value = b"(?:%b|(?![ \\t]*+%b)[^%b\\r\\n]*+)" % (quoted, q, m)
    return re.compile(b"(?:%b(?:%b%b)*+(?:\\r\\n|\\n|\\r))*+" % (value, m, value))


def _tokens(mark: bytes, quote: bytes) -> re.Pattern[bytes]:
    """Returns the pattern of a value with the delimiter or the line end after it."""
    m, q = re.escape(mark), re.escape(quote)
    blank = b" *+" if mark == b"\t" else b"[ \\t]*+"
    return re.compile(
        b"(?:"
        + blank
        + b"(?P<quoted>%b[^%b]*+(?:%b%b[^%b]*+)*+%b)" % (q, q, q, q, q, q)
        + blank
        + b"(?P<after>[^%b\\r\\n]*+)" % m
        + b"|"
        + blank
        + b"(?P<open>%b)[\\s\\S]*+" % q
        + b"|(?P<plain>[^%b\\r\\n]*+))(?P<mark>%b|\\r\\n|\\n|\\r|\\Z)" % (m, m)
    )
