"""What every model of the API shares: camelCase on the wire, whole objects, and the types of their fields."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from modelyard_api import API_VERSION
from modelyard_api.fields.facts import KindInfo


def wire_name(name: str) -> str:
    """camelCase by the Kubernetes API conventions: acronyms in capitals but at the start (``trackingURL``, ``uri``)."""
    return re.sub(r"(?<=[a-z])(Url|Uri|Ui)(?![a-z])", lambda found: found[0].upper(), to_camel(name))


class Model(BaseModel):
    """A part of a spec or a status. Unknown fields are ignored: an older operator may meet a newer object."""

    model_config = ConfigDict(
        alias_generator=wire_name,
        populate_by_name=True,
        use_enum_values=True,
        protected_namespaces=(),
        allow_inf_nan=False,  # JSON has none
    )

    def wire(self) -> dict[str, Any]:
        """The JSON form: camelCase, without what is unset or None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


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


SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
"""The scale subresource of a kind with replicas, for kubectl scale and autoscalers."""
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
Duration = Annotated[str, Field(pattern=r"^([0-9]{1,7}(ms|s|m|h))+$", max_length=32)]
"""A Kubernetes-style duration, for example ``90s`` or ``1h30m``; in 32 characters at most 4,600 years."""
MAX_SECONDS = 2**31 - 1
"""Of a time that is added to a date, and that Kubernetes keeps in 32 bits."""
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Up to the greatest whole number that JSON keeps everywhere."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
StoreURI = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^mlflow-artifacts:/[^\t\n\f\r ?#]+$")]
"""An address in the artifact store. Without ``\\s``: for the API server that is ASCII's white space, here Unicode's."""
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
StatusName = Annotated[str, Field(max_length=253)]
"""In a status: the name of an object that we made."""
StatusURL = Annotated[str, Field(max_length=2048)]
"""In a status: an address."""


MAX_LEVELS = 32
"""Of lists and maps in each other, where anything may be written: JSON libraries give up at some number of them."""


def levels(value: Any) -> int:
    """How deep lists and maps lie in each other; 0 for a plain value."""
    found, row = 0, [value]
    while row := [one for one in row if isinstance(one, dict | list)]:
        found += 1
        row = [item for one in row for item in (one.values() if isinstance(one, dict) else one)]
    return found


class ObjectRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName = Field(description="Its name.")
