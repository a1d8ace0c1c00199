"""The spec of a kind inside another kind's spec, with placeholders such as ``$(parameters.trees)`` in its texts.

The API server checks it by the schema of the embedded kind, in which every text may be or contain a placeholder, and
every whole number may be one. The operator keeps it as it was written, and validates it once the placeholders have
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from modelyard_api.fields.base import rule

MARK = "embedded"
"""Key of a JSON schema that is an embedded spec's; the generator of CRDs takes it away again."""
PLACEHOLDER = r"\$\([a-zA-Z0-9_.-]+\)"
"""A placeholder, as a pattern. ``$$(`` stands for a literal ``$(``."""
SHORTEST_BOUND = 253
"""Characters that a text with a placeholder may have at least, since the placeholder is often longer than its value."""


@dataclass(frozen=True)
class Embedded:
    """Annotates a field that holds a spec of this model as a dict.

    ``kind`` is the kind that is made of it, if any. ``free`` are the paths of maps whose values may be anything: what
    consists of one placeholder there becomes a number or a truth value where it reads as one.
    """

    spec: type[BaseModel]
    kind: str | None = None
    free: tuple[tuple[str, ...], ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.nullable_schema(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(self.spec.__pydantic_core_schema__), MARK: True}


def embedded_in(model: type[BaseModel]) -> dict[str, Embedded]:
    """Returns the fields of a model that hold an embedded spec, by their names on the wire."""
    marks = ((field.alias or name, mark) for name, field in model.model_fields.items() for mark in field.metadata)
    return {name: mark for name, mark in marks if isinstance(mark, Embedded)}


def exactly_one(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds the rule that exactly one of a model's embedded specs is given; for its ``json_schema_extra``."""
    names = list(embedded_in(model))
    given = ", ".join(f"has(self.{name})" for name in names)
    message = f"write exactly one of {', '.join(names[:-1])} and {names[-1]}"
    schema["x-kubernetes-validations"] = [rule(f"[{given}].exists_one(given, given)", message)]


def loosened(node: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a text in which a placeholder may stand, or of a whole number in whose place one may.

    An enumeration stays: it has no placeholders. So do fractions and truth values: the API server knows no type that is
    one of them or a text.
    """
    if node.get("type") not in ("string", "integer") or "enum" in node:
        return node
    loose = dict(node)
    if node["type"] == "integer":
        loose.pop("format", None)
        whole = {"x-kubernetes-int-or-string": True, "pattern": f"^{PLACEHOLDER}$", "maxLength": SHORTEST_BOUND}
        return loose | whole
    if "pattern" in node:
        loose["pattern"] = f"{node['pattern']}|{PLACEHOLDER}"
    if "maxLength" in node:
        loose["maxLength"] = max(node["maxLength"], SHORTEST_BOUND)
    return loose
