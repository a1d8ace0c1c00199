"""The form of a text, and which texts count as missing."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")
"""The words that count as missing in a CSV file that says nothing else."""


def clean(text: str, missing: Collection[str] = ("",)) -> str:
    """Returns the text without white space at its ends and composed (Unicode's form NFC), or "" if it is missing.

    White space is what Unicode calls so, the no-break space among it, but not the zero-width space. A word of
    ``missing`` counts as it is written, upper and lower case apart.
    """
    text = unicodedata.normalize("NFC", text.strip())
    return "" if text in missing else text
