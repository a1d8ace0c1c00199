"""What crosses between the operator and the servers that share many models: the catalogue, and what came of it.

In: the file that ``serve --catalogue`` watches. Out: the answer to ``GET /v2/catalogue`` of each such server.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.fields.base import Model

CATALOGUE_JSON = "catalogue.json"
CATALOGUE_PATH = "/v2/catalogue"
PackedName = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=45)]
"""It names a folder on the server's disk."""


class PackedVersion(Model):
    """One version of a model, and where its bytes are."""

    number: int = Field(ge=1, lt=10**18)
    uri: str
    digest: str


class PackedModel(Model):
    """``versions``: the wanted one first; the others stand in, in this order, while it can't be served."""

    name: PackedName
    versions: list[PackedVersion] = Field(min_length=1)


class Catalogue(Model):
    """Every model that a server is to have; what is not listed goes."""

    models: list[PackedModel] = Field(default_factory=list)

    def text(self) -> str:
        return canonical(self.wire()).decode()


def catalogue_digest(text: str) -> str:
    """Of the file's text, as server and operator compare it."""
    return sha256(text.encode())


PackedCondition = Literal["Ready", "Loading", "Retrying", "Failed"]
"""Ready: it answers, if need be after it was brought back into memory. Retrying: it could not be brought, and is tried
again. Failed: trying again can't help."""


class PackedState(Model):
    """What came of a model's wanted version; ``serving`` is the number of the version that answers now."""

    name: str
    number: int
    digest: str
    state: PackedCondition
    reason: str = ""
    serving: int | None = None


class CatalogueState(Model):
    """``digest``: of the catalogue that was read last, None before the first one."""

    digest: str | None = None
    models: list[PackedState] = Field(default_factory=list)
