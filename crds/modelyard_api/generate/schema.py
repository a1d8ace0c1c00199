"""Turns a pydantic model into a structural OpenAPI v3 schema, which the API server requires in a CRD.

Structural means that everything is inlined and that each node has one type, without null or unions. This module
rewrites pydantic's JSON Schema to that form, and raises an error where it can't, before the cluster would refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from modelyard_api.fields.embedded import MARK, loosened

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
    """Adds the defaults of factories. For a nested model that is only the fields that the factory sets: the others have
    their own defaults."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        factory = schema.get("default_factory")
        if factory is None or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        value = cast(Any, factory)()
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return value

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        json_schema = super().default_schema(schema)
        return {key: value for key, value in json_schema.items() if key != "default" or value is not None}


def structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Returns the schema of one model; ``defaults=False`` is for a status, which must not show fields nobody wrote.

    Raises ValueError, with the path of the field, if a structural schema can't express it.
    """
    whole = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return _Rewriter(whole.pop("$defs", {}), defaults).node(whole, model.__name__)


def _compared(validations: Iterable[Schema]) -> set[str]:
    """Returns the properties whose values the rules compare, for which a text could not stand."""
    return {name for item in validations for name in re.findall(r"(?<!has\()self\.(\w+)", item["rule"])}


def _is_whole_number(schema: Schema) -> bool:
    return any(item.get("type") == "integer" for item in (schema, *schema.get("anyOf", ())))


class _Rewriter:
    def __init__(self, definitions: dict[str, Schema], defaults: bool) -> None:
        self._definitions, self._defaults = definitions, defaults

    def node(self, schema: Schema, path: str, embedded: bool = False) -> Schema:
        """Returns the schema of one node; ``embedded`` means that it is part of another kind's spec."""
        source = self._resolved(schema, path)
        embedded |= source.get(MARK, False)
        rewritten: Schema = {}
        if "description" in source:
            rewritten["description"] = " ".join(source["description"].split())
        rewritten["type"] = self._type(source, path)
        rewritten |= {key: source[key] for key in _PLAIN if key in source}
        if "const" in source:
            rewritten["enum"] = [source["const"]]
        if rewritten["type"] == "integer":
            rewritten["format"] = "int64"
        for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if key in source:  # JSON Schema has a number, OpenAPI v3.0 a flag beside the bound
                rewritten |= {bound: source[key], key: True}
        if self._defaults and "default" in source:
            rewritten["default"] = source["default"]
        if source.get("required"):
            rewritten["required"] = source["required"]
        self._children(source, rewritten, path, embedded)
        rewritten |= {key: value for key, value in source.items() if key.startswith("x-kubernetes-")}
        if embedded:
            rewritten = loosened(rewritten)
        if rewritten.get("x-kubernetes-int-or-string"):
            del rewritten["type"]
        known = {key: rewritten[key] for key in _ORDER if key in rewritten}
        return known | rewritten

    def _children(self, source: Schema, rewritten: Schema, path: str, embedded: bool) -> None:
        if "properties" in source:
            compared = _compared(source.get(_VALIDATIONS, ()))
            rewritten["properties"] = {
                name: self.node(
                    child, f"{path}.{name}", embedded and not (_is_whole_number(child) and name in compared)
                )
                for name, child in source["properties"].items()
            }
        if "items" in source:
            # An item may be anything, even null, as a value of a map may.
            anything = {"nullable": True, "x-kubernetes-preserve-unknown-fields": True}
            rewritten["items"] = self.node(source["items"], f"{path}[]", embedded) if source["items"] else anything
        values = source.get("additionalProperties")
        if values is True:
            # Each value may be anything, even null. The schema says so of the values, not of the map, so that rules
            # can compare whole maps.
            rewritten["additionalProperties"] = {"nullable": True, "x-kubernetes-preserve-unknown-fields": True}
        elif isinstance(values, dict):
            rewritten["additionalProperties"] = self.node(values, f"{path}{{}}", embedded)

    def _resolved(self, source: Schema, path: str) -> Schema:
        """Resolves references and drops ``null`` alternatives; keys beside a reference override those it refers to."""
        resolved = dict(source)
        for key in ("anyOf", "oneOf", "allOf"):
            if key not in resolved:
                continue
            alternatives = [schema for schema in resolved.pop(key) if schema != {"type": "null"}]
            if len(alternatives) != 1:
                raise ValueError(f"{path}: a structural schema cannot say {key} of {len(alternatives)} alternatives")
            resolved = self._over(self._resolved(alternatives[0], path), resolved)
        if "$ref" in resolved:
            name = resolved.pop("$ref").removeprefix("#/$defs/")
            resolved = self._over(self._resolved(self._definitions[name], path), resolved)
        return resolved

    @staticmethod
    def _over(below: Schema, above: Schema) -> Schema:
        merged = below | above
        both = [*below.get(_VALIDATIONS, ()), *above.get(_VALIDATIONS, ())]
        return merged | {_VALIDATIONS: both} if both else merged

    @staticmethod
    def _type(source: Schema, path: str) -> str:
        if "type" in source:
            return str(source["type"])
        values = source.get("enum", [source["const"]] if "const" in source else [])
        if values and all(isinstance(value, str) for value in values):
            return "string"
        raise ValueError(f"{path}: no single type; write one that JSON Schema can name")
