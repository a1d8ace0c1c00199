"""Hypothesis strategies over structural schemas: values that fit, that don't, and that are a step away from good ones.

hypothesis-jsonschema is no alternative: its last release was in February 2024, and it doesn't know int-or-string,
list-maps and preserved unknown fields.
"""

from __future__ import annotations

import copy
import functools
import re
from typing import Any

import yaml
from hypothesis import strategies as st

from modelyard_api.kinds.registry import KINDS
from tests.common.paths import REPO

Schema = dict[str, Any]
Path = tuple[str, ...]
Strategy = st.SearchStrategy[Any]

INT64 = 2**63
DEEP = "DEEP:"
"""A text with this prefix and a number stands for so many nested lists, which would be too large for a story's file
(see ``client``)."""
_ODD_TEXT = (
    "",
    " ",
    "\x00",
    "null",
    "~",
    "é",
    "名前",
    "\u202e",
    "🙂" * 3,
    "a\nb",
    "{{x}}",
    "../..",
    "$(id)",
    "%s%n",
    "-1",
    "NaN",
)
_QUANTITIES = (
    "0",
    "1",
    "100m",
    "0.5",
    "1.5Gi",
    "00012",
    "1Ki",
    "512Mi",
    "3T",
    "9" * 32,
    "0." + "0" * 20 + "1",
    "1e3",
    "1E",
    "+1",
    "-1",
)


@functools.cache
def spec_of(kind: str) -> Schema:
    """Returns the schema of a kind's spec from the CRD that is installed."""
    definition = yaml.safe_load((REPO / "crds" / f"{KINDS[kind].info.plural}.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(schema["properties"]["spec"])


def nested(depth: int) -> Any:
    """Returns 1 in ``depth`` nested lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


text = st.one_of(st.sampled_from(_ODD_TEXT), st.text(max_size=12))
numbers = st.one_of(
    st.integers(-3, 100),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from((0.0, -0.0, 1e-320, 1e308, -1e308, INT64 - 1, -INT64, INT64, 2**64, 10**30, 0.1, 1.0)),
)
anything = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    text,
    st.lists(numbers, max_size=3),
    st.dictionaries(text, numbers, max_size=3),
    st.sampled_from([f"{DEEP}{levels}" for levels in (3, 30, 60, 300, 1100, 9900)]),
)


class Values:
    """``names(path)`` returns a strategy for a field that refers to something, or None for any other field."""

    def __init__(self, names: Any) -> None:
        self._names = names

    def fits(self, schema: Schema, path: Path = ()) -> Strategy:
        """Returns a strategy for values that the schema allows; rules between fields may still refuse them."""
        if (named := self._names(path)) is not None:
            return st.one_of(named, named, named, self._plain(schema, path))
        return self._plain(schema, path)

    def off(self, schema: Schema) -> Strategy:
        """Returns a strategy for values that the schema mostly refuses: null, another type, out of range, empty, too
        long."""
        wrong = [st.none(), text, numbers, st.just([]), st.just({}), st.just("x" * 5000)]
        if "maximum" in schema:
            wrong.append(st.just(schema["maximum"] + 1))
        if "minimum" in schema:
            wrong.append(st.just(schema["minimum"] - 1))
        return st.one_of(wrong)

    def near(self, schema: Schema, good: Any, path: Path = ()) -> Strategy:
        """Returns a strategy for copies of ``good`` with one change somewhere."""

        @st.composite
        def changed(draw: Any) -> Any:
            return self._changed(draw, schema, copy.deepcopy(good), path)

        return changed()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _plain(self, schema: Schema, path: Path) -> Strategy:
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if schema.get("x-kubernetes-int-or-string"):
            return st.one_of(
                st.integers(0, 10**6), st.sampled_from(_QUANTITIES), st.from_regex(schema["pattern"], fullmatch=True)
            )
        match schema.get("type"):
            case "string":
                return _string(schema)
            case "integer":
                return _integer(schema)
            case "number":
                return _number(schema)
            case "boolean":
                return st.booleans()
            case "array":
                return self._array(schema, path)
            case "object":
                return self._object(schema, path)
        return anything

    def _array(self, schema: Schema, path: Path) -> Strategy:
        most = schema.get("maxItems", 1000)
        least = schema.get("minItems", 0)
        keys = schema.get("x-kubernetes-list-map-keys")
        by = (lambda item: item.get(keys[0])) if keys else None
        items = self.fits(schema["items"], (*path, "[]"))
        few = st.lists(items, min_size=least, max_size=max(least, min(3, most)), unique_by=by)
        if keys:
            return few
        # The longest allowed list and one item more repeat one item: drawing each would use up hypothesis's buffer.
        return st.one_of(*[few] * 9, items.flatmap(lambda item: st.sampled_from(([item] * most, [item] * (most + 1)))))

    def _object(self, schema: Schema, path: Path) -> Strategy:
        if "properties" not in schema:
            values = schema.get("additionalProperties") or {}
            named = self._names((*path, "{}"))
            keys = text if named is None else named
            most = min(3, schema.get("maxProperties", 3))
            return st.dictionaries(keys, self.fits(values, (*path, "{}")), max_size=most)

        @st.composite
        def fields(draw: Any) -> Any:
            drawn = {}
            required = schema.get("required", ())
            for name, inner in schema["properties"].items():
                if name in required or draw(st.integers(0, 3)) == 0:
                    drawn[name] = draw(self.fits(inner, (*path, name)))
            return drawn

        return fields()

    def _changed(self, draw: Any, schema: Schema, value: Any, path: Path) -> Any:
        properties = schema.get("properties")
        if properties and isinstance(value, dict):
            name = draw(st.sampled_from(sorted(properties)))
            inner, below = properties[name], (*path, name)
            if name not in value:
                value[name] = draw(self._new(draw, inner, below))
            elif draw(st.integers(0, 9)) == 0:
                del value[name]
            else:
                value[name] = self._changed(draw, inner, value[name], below)
            return value
        if "items" in schema and isinstance(value, list) and value and draw(st.booleans()):
            at = draw(st.integers(0, len(value) - 1))
            value[at] = self._changed(draw, schema["items"], value[at], (*path, "[]"))
            return value
        return draw(self._new(draw, schema, path))

    def _new(self, draw: Any, schema: Schema, path: Path) -> Strategy:
        return self.off(schema) if draw(st.integers(0, 11)) == 0 else self.fits(schema, path)


def _string(schema: Schema) -> Strategy:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    if pattern := schema.get("pattern"):
        # ASCII classes, as in the API server's regular expressions.
        return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True).map(lambda value: value[: min(most, 300)])
    longest = st.sampled_from("aé").map(lambda letter: letter * most)
    return (
        st.one_of(text.map(lambda value: value[:most]), text.map(lambda value: (value or "a")[: max(1, most)]), longest)
        if least or most
        else text
    )


def _integer(schema: Schema) -> Strategy:
    least, most = schema.get("minimum", -INT64), schema.get("maximum", INT64 - 1)
    small = st.integers(max(least, 0), min(most, max(least, 0) + 5))
    return st.one_of(small, small, small, st.sampled_from((least, most, max(least, most - 1))))


def _number(schema: Schema) -> Strategy:
    open_low, open_high = schema.get("exclusiveMinimum", False), schema.get("exclusiveMaximum", False)
    low, high = schema.get("minimum"), schema.get("maximum")
    bounded = st.floats(low, high, exclude_min=open_low, exclude_max=open_high, allow_nan=False, allow_infinity=False)
    if low is None and high is None:
        return st.one_of(numbers, bounded)
    return bounded
