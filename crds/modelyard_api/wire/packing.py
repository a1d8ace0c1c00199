"""What the operator and the servers of packed models exchange: the catalogue, and the state of its models.

The operator writes the file that ``serve --catalogue`` watches, and reads each server's answer to
``GET /v2/catalogue``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.fields.base import Model

CATALOGUE_JSON = "catalogue.json"
CATALOGUE_PATH = "/v2/catalogue"
PackedName = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=45)]
"""The name of a packed model; it is also the name of a folder on the server's disk."""


class PackedVersion(Model):
    """One version of a model, and where its bytes are."""

    number: int = Field(ge=1, lt=10**18)
    uri: str
    digest: str


class PackedModel(Model):
    """One model of a catalogue. ``versions`` has the wanted version first; the others replace it, in this order, while
    it can't be served."""

    name: PackedName
    versions: list[PackedVersion] = Field(min_length=1)


class Catalogue(Model):
    """Every model that a server must have; it removes models that are not listed."""

    models: list[PackedModel] = Field(default_factory=list)

    def text(self) -> str:
        return canonical(self.wire()).decode()


def catalogue_digest(text: str) -> str:
    """Returns the digest of the catalogue's text, by which server and operator compare catalogues."""
    return sha256(text.encode())


PackedCondition = Literal["Ready", "Loading", "Retrying", "Failed"]
"""Ready means that the model answers, if necessary after it was loaded again; Retrying that it couldn't be fetched or
loaded and is tried again; Failed that trying again can't help."""


class PackedState(Model):
    """The state of a model's wanted version; ``serving`` is the number of the version that answers now.

    ``reason`` is the message of a failure, and ``cause`` is one of the API's reasons, such as DigestMismatch.
    """

    name: str
    number: int
    digest: str
    state: PackedCondition
    reason: str = ""
    cause: str = ""
    serving: int | None = None


class CatalogueState(Model):
    """The state of a server's models. ``digest`` is that of the catalogue read last, or None before the first."""

    digest: str | None = None
    models: list[PackedState] = Field(default_factory=list)
