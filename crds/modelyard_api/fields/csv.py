"""How a CSV file is written. What is absent is found out from the file, and told where it is not certain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import Model, rule, rules

Encoding = Literal[
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-9",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "cp437",
    "cp850",
    "cp852",
    "cp866",
    "mac-roman",
    "koi8-r",
    "koi8-u",
    "shift-jis",
    "cp932",
    "euc-jp",
    "gbk",
    "gb18030",
    "big5",
    "euc-kr",
]


class CSV(Model):
    """How CSV files are written; what is absent is found out."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.thousands) || self.thousands != (has(self.decimal) ? self.decimal : '.')",
                "thousands must differ from decimal, which is '.' unless it is written",
                ".thousands",
            ),
            rule(
                "!has(self.delimiter) || !has(self.quote) || self.delimiter != self.quote",
                "delimiter must differ from quote",
                ".delimiter",
            ),
        )
    )

    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        pattern=r"^[\t !#-/:-@\[-`{-~]$",
        description='The character between two values, for example ";" or "\\t" [found out].',
    )
    decimal: Literal[".", ","] | None = Field(None, description="The character before decimals [found out].")
    thousands: Literal["", ".", ",", "'", " "] | None = Field(
        None,
        description='The character between groups of three digits; "\'" is any apostrophe, " " any space, "" none '
        "[found out].",
    )
    encoding: Encoding | None = Field(
        None, description="How characters are written [UTF-8, or what the first bytes say; else windows-1252, told]."
    )
    quote: Literal['"', "'", ""] | None = Field(
        None, description='The character around values that hold delimiters; "" if there is none [found out].'
    )
    missing: list[Annotated[str, Field(max_length=64)]] | None = Field(
        None,
        max_length=100,
        description='The words that count as missing, beside an empty value; [""] if no word does '
        "[NA, N/A, n/a, NaN, nan, NULL, null, None, #N/A].",
    )
    skip_rows: int | None = Field(
        None, ge=0, le=10_000, description="How many rows before the header are left out [found out]."
    )
