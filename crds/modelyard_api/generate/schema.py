"""From a pydantic model to a structural OpenAPI v3 schema, as the API server wants it in a CRD.

Structural means: everything inlined, one type a node, no null, no unions. What pydantic says in JSON Schema is
rewritten to that; what cannot be is an error here and not a surprise on the cluster.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

_VALIDATIONS = "x-kubernetes-validations"
_PLAIN = (
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
)
_ORDER = ("description", "type", *_PLAIN, "default", "required", "properties", "items", "additionalProperties")


class _Generator(GenerateJsonSchema):
    """Also tells the defaults that factories make; of a nested model what the factory sets: its
    other fields have defaults of their own."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        factory = schema.get("default_factory")
        if factory is None or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        made = cast(Any, factory)()
        return made.model_dump(mode="json", by_alias=True, exclude_unset=True) if isinstance(made, BaseModel) else made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if key != "default" or value is not None}


def structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """The schema of one model; ``defaults=False`` for a status, where what nobody wrote must not appear.

    Raises ValueError for what a structural schema cannot say, with the path of the field.
    """
    whole = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return _Rewriter(whole.pop("$defs", {}), defaults).node(whole, model.__name__)


class _Rewriter:
    def __init__(self, definitions: dict[str, Schema], defaults: bool) -> None:
        self._definitions, self._defaults = definitions, defaults

    def node(self, found: Schema, path: str) -> Schema:
        given = self._resolved(found, path)
        made: Schema = {}
        if "description" in given:
            made["description"] = " ".join(given["description"].split())
        made["type"] = self._type(given, path)
        made |= {key: given[key] for key in _PLAIN if key in given}
        if "const" in given:
            made["enum"] = [given["const"]]
        if made["type"] == "integer":
            made["format"] = "int64"
        for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if key in given:  # a number in JSON Schema, a flag beside the bound in OpenAPI v3.0
                made |= {bound: given[key], key: True}
        if self._defaults and "default" in given:
            made["default"] = given["default"]
        if given.get("required"):
            made["required"] = given["required"]
        self._children(given, made, path)
        made |= {key: value for key, value in given.items() if key.startswith("x-kubernetes-")}
        if made.get("x-kubernetes-int-or-string"):
            del made["type"]
        known = {key: made[key] for key in _ORDER if key in made}
        return known | made

    def _children(self, given: Schema, made: Schema, path: str) -> None:
        if "properties" in given:
            made["properties"] = {
                name: self.node(child, f"{path}.{name}") for name, child in given["properties"].items()
            }
        if "items" in given:
            made["items"] = self.node(given["items"], f"{path}[]")
        values = given.get("additionalProperties")
        if values is True:
            # Each value is anything, null too. Said of the values and not of the map, so that rules compare whole maps.
            made["additionalProperties"] = {"nullable": True, "x-kubernetes-preserve-unknown-fields": True}
        elif isinstance(values, dict):
            made["additionalProperties"] = self.node(values, f"{path}{{}}")

    def _resolved(self, found: Schema, path: str) -> Schema:
        """Without references and without ``null`` as an alternative; what stands beside a reference wins over it."""
        given = dict(found)
        for key in ("anyOf", "oneOf", "allOf"):
            if key not in given:
                continue
            left = [one for one in given.pop(key) if one != {"type": "null"}]
            if len(left) != 1:
                raise ValueError(f"{path}: a structural schema cannot say {key} of {len(left)} alternatives")
            given = self._over(self._resolved(left[0], path), given)
        if "$ref" in given:
            name = given.pop("$ref").removeprefix("#/$defs/")
            given = self._over(self._resolved(self._definitions[name], path), given)
        return given

    @staticmethod
    def _over(below: Schema, above: Schema) -> Schema:
        merged = below | above
        both = [*below.get(_VALIDATIONS, ()), *above.get(_VALIDATIONS, ())]
        return merged | {_VALIDATIONS: both} if both else merged

    @staticmethod
    def _type(given: Schema, path: str) -> str:
        if "type" in given:
            return str(given["type"])
        values = given.get("enum", [given["const"]] if "const" in given else [])
        if values and all(isinstance(value, str) for value in values):
            return "string"
        raise ValueError(f"{path}: no single type; write one that JSON Schema can name")
