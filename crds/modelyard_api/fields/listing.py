"""What is kept of the list of a source's files."""

from __future__ import annotations

from pydantic import Field

from modelyard_api.fields.base import Count, Digest, Model


class Listing(Model):
    """The files that a source held: a look that finds the same digest reads nothing."""

    digest: Digest = Field(description="Digest of their names, sizes and states.")
    files: Count = Field(description="How many there are.")
    bytes: Count = Field(description="Their size in all, as far as the source tells it.")
