"""What was guessed of a table and may be wrong: told, so that a person can say what is right."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from modelyard_api.fields.base import Count, Model

Excerpt = Annotated[str, Field(max_length=256), BeforeValidator(lambda text: str(text)[:256])]
"""The first 256 characters of a text from the data, which can have any length."""


class Doubt(Model):
    """One guess about a table."""

    column: str | None = Field(None, max_length=128, description="The column; absent: the file or the table.")
    reason: str = Field(max_length=128, description="What was guessed, in one CamelCase word.")
    message: Annotated[str, BeforeValidator(lambda text: str(text)[:512])] = Field(
        max_length=512, description="What was guessed, and what to write if that is wrong."
    )
    count: Count | None = Field(None, description="How many values or rows are in doubt.")
    example: Excerpt | None = Field(None, description="The first of these values.")
    row: Count | None = Field(None, description="Its row, as a spreadsheet shows it.")
    file: Excerpt | None = Field(None, description="Its file.")
