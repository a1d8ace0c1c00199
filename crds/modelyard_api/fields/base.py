"""Base classes of the API: models with camelCase on the wire, whole objects, and the types of common fields."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from modelyard_api import API_VERSION
from modelyard_api.fields.facts import KindInfo


def wire_name(name: str) -> str:
    """Returns camelCase by the Kubernetes API conventions: acronyms in capitals except at the start (``trackingURL``,
    ``uri``)."""
    return re.sub(r"(?<=[a-z])(Url|Uri|Ui)(?![a-z])", lambda match: match[0].upper(), to_camel(name))


class Model(BaseModel):
    """A part of a spec or a status. Unknown fields are ignored: an older operator may meet a newer object."""

    model_config = ConfigDict(
        alias_generator=wire_name,
        populate_by_name=True,
        use_enum_values=True,
        protected_namespaces=(),
        allow_inf_nan=False,  # JSON can't represent them
    )

    def wire(self) -> dict[str, Any]:
        """Returns the JSON form: camelCase, without fields that are None."""
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
    """Returns a CEL validation rule; the message says what to write instead."""
    validation = {"rule": expression, "message": message}
    return validation | {"fieldPath": field_path} if field_path else validation


def rules(*validations: dict[str, str]) -> dict[str, Any]:
    """Returns the ``json_schema_extra`` of a model or a field with these rules."""
    return {"x-kubernetes-validations": list(validations)}


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
ConfigMapKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
"""A key of the data of a ConfigMap."""
ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
"""The name of a column of a table."""
Duration = Annotated[str, Field(pattern=r"^([0-9]{1,7}(ms|s|m|h))+$", max_length=32)]
"""A Kubernetes-style duration, for example ``90s`` or ``1h30m``; in 32 characters at most 4,600 years."""
MAX_SECONDS = 2**31 - 1
"""Upper bound of seconds that are added to a date, and that Kubernetes keeps in 32 bits."""
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A count, up to the greatest whole number that every JSON library keeps exactly."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
StoreURI = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^mlflow-artifacts:/[^\t\n\f\r ?#]+$")]
"""An address in the artifact store. The pattern avoids ``\\s``, which is ASCII white space in the API server but
Unicode's in Python."""
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
StatusName = Annotated[str, Field(max_length=253)]
"""A status field with the name of an object that the operator created."""
StatusURL = Annotated[str, Field(max_length=2048)]
"""A status field with an address."""


MAX_LEVELS = 32
"""Most nested lists and maps in a field that may hold anything: JSON libraries fail beyond some depth."""


def levels(value: Any) -> int:
    """Returns how deep lists and maps are nested; 0 for a plain value."""
    depth, row = 0, [value]
    while row := [item for item in row if isinstance(item, dict | list)]:
        depth += 1
        row = [child for item in row for child in (item.values() if isinstance(item, dict) else item)]
    return depth


class ObjectRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName = Field(description="Its name.")
