"""What a text means, wherever it comes from: from a file, from a table that is scored, or from a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from unicodedata import normalize

INVISIBLE = "\u200b\u2060\ufeff"
"""Characters without a width, which Unicode does not count as white space."""
EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + INVISIBLE
"""What is trimmed from both ends of a text: Unicode's white space, and what is as invisible."""


def clean(text: str, missing: Collection[str]) -> str:
    """Returns the text without white space at its ends, in Unicode's form NFC, or "" if it stands for a missing value.

    ``missing`` are the words that do, as ``words`` returns them. What was cleaned stays as it is.
    """
    text = text.strip() if text.isascii() else normalize("NFC", text.strip(EDGES))
    return "" if text in missing else text


def words(missing: Iterable[str]) -> frozenset[str]:
    """Returns words that count as missing, cleaned themselves, for ``clean``."""
    return frozenset(clean(word, ()) for word in missing)
