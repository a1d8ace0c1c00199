"""What every model of the API shares: camelCase on the wire, and how a kind describes itself to the CRD generator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from modelyard_api import API_VERSION


def wire_name(name: str) -> str:
    """camelCase by the Kubernetes API conventions: acronyms in capitals but at the start (``trackingURL``, ``uri``)."""
    return re.sub(r"(?<=[a-z])(Url|Uri|Ui)(?![a-z])", lambda found: found[0].upper(), to_camel(name))


class Model(BaseModel):
    """A part of a spec or a status. Unknown fields are ignored: an older operator may meet a newer object."""

    model_config = ConfigDict(
        alias_generator=wire_name, populate_by_name=True, use_enum_values=True, protected_namespaces=()
    )

    def wire(self) -> dict[str, Any]:
        """The JSON form: camelCase, without what is unset or None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True)
class Column:
    """A column of ``kubectl get``. ``priority`` 1 shows only with ``-o wide``."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class KindInfo:
    plural: str
    short: str
    columns: tuple[Column, ...]
    scale: dict[str, str] | None = None
    rules: tuple[dict[str, str], ...] = field(default=())
    """CEL rules of the whole object, where ``self.metadata.name`` and ``self.status`` can be read."""


class Kind(Model):
    """A whole object: ``metadata`` stays a plain dict, ``spec`` and ``status`` are models of the subclass."""

    info: ClassVar[KindInfo]

    api_version: str = API_VERSION
    kind: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        return str(self.metadata["namespace"])

    @property
    def uid(self) -> str:
        return str(self.metadata["uid"])

    @property
    def generation(self) -> int:
        return int(self.metadata.get("generation", 0))


def rule(expression: str, message: str, field_path: str | None = None) -> dict[str, str]:
    """A CEL validation rule; the message says what to write instead."""
    made = {"rule": expression, "message": message}
    return made | {"fieldPath": field_path} if field_path else made


def rules(*made: dict[str, str]) -> dict[str, Any]:
    """For ``json_schema_extra`` of a model or a field."""
    return {"x-kubernetes-validations": list(made)}


NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_RULE = rule(
    "self.metadata.name.size() <= 45 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name must be a DNS-1035 label (lower-case letters, digits and '-', starting with a letter) of at most "
    "45 characters, since the names of children are made from it",
)

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of an object of any kind."""
ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
"""The name of a column of a table."""
Duration = Annotated[str, Field(pattern=r"^([0-9]+(ms|s|m|h))+$", max_length=32)]
"""A Kubernetes-style duration, for example ``90s`` or ``1h30m``."""
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
StatusName = Annotated[str, Field(max_length=253)]
"""In a status: the name of an object that we made."""
StatusURL = Annotated[str, Field(max_length=2048)]
"""In a status: an address."""


class ObjectRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName = Field(description="Its name.")
