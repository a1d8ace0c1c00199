"""What ingest guessed of a table without being sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from modelyard_api.fields.base import Count, Model

MOST_DOUBTS = 20
"""Most doubts of a table in a status."""
Excerpt = Annotated[str, Field(max_length=256), BeforeValidator(lambda text: str(text)[:256])]
"""The first 256 characters of a text from the data, which can have any length."""


class Doubt(Model):
    """One thing that was guessed and may be wrong, with what to write to decide it."""

    column: str | None = Field(None, max_length=128, description="The column; absent: the table or its file.")
    reason: str = Field(
        max_length=128, pattern=r"^[A-Z][A-Za-z0-9]{1,62}$", description="What is doubtful, in one word."
    )
    message: Annotated[str, Field(max_length=512), BeforeValidator(lambda text: str(text)[:512])] = Field(
        description="What was seen, and what to write."
    )
    count: Count | None = Field(None, description="How many values it is about.")
    example: Excerpt | None = Field(None, description="The first of them.")
    row: Count | None = Field(None, description="Its row, as a spreadsheet counts them.")
    file: Excerpt | None = Field(None, description="The file that it is in.")


def bounded(doubts: Sequence[Doubt], most: int = MOST_DOUBTS) -> list[Doubt]:
    """Returns at most ``most`` doubts: if there are more, the last one counts those that are left out."""
    if len(doubts) <= most:
        return list(doubts)
    rest = doubts[most - 1 :]
    reasons = ", ".join(sorted({doubt.reason for doubt in rest}))
    message = f"{len(rest)} more doubts are not listed ({reasons}): settle the ones above, and they are told next time"
    return [*doubts[: most - 1], Doubt(reason="MoreDoubts", message=message, count=len(rest))]
