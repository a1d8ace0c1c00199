"""The JSON bodies that MLflow's routes get from pods: exactly these fields, of these forms.

MLflow also takes other spellings of the same fields (``experimentId``, ``run_uuid``), so any other field is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UID = "modelyard.dev/uid"
"""The tag that says whose run it is."""
TAGS = ("modelyard.dev/", "mlflow.runName", "mlflow.parentRunId")
"""Tags begin so; MLflow gives others of its own a meaning."""
_FILTER = re.compile(r"tags\.`modelyard\.dev/uid` = '([A-Za-z0-9-]{1,80})'")
Form = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def ident(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z0-9]{1,64}", value) is not None


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def one_id(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and ident(value[0])


def items(**fields: Form) -> Form:
    """Returns the form of a list of objects with exactly these fields."""

    def check(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(item, dict) and item.keys() == fields.keys() and all(fields[key](item[key]) for key in fields)
            for item in value
        )

    return check


def tag(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(TAGS)


@dataclass(frozen=True)
class Shape:
    required: Mapping[str, Form]
    optional: Mapping[str, Form] = field(default_factory=dict)
    tagged: bool = False
    """Whether the body must say whose run it is."""
    filtered: bool = False

    def problem(self, body: Mapping[str, Any]) -> str | None:
        """Returns what is wrong with a body, if anything is."""
        forms = {**self.required, **self.optional}
        if missing := self.required.keys() - body.keys():
            return f"the body lacks {sorted(missing)}"
        for key, value in body.items():
            if key not in forms:
                return f"the field {key[:50]!r} is not allowed; allowed are {sorted(forms)}"
            if not forms[key](value):
                return f"the value of the field {key!r} is not allowed"
        return None

    def uids(self, body: Mapping[str, Any]) -> Iterable[str | None]:
        """Yields the uids that a body names, and None where it must name one and doesn't."""
        named = [item["value"] for item in body.get("tags", ()) if item["key"] == UID]
        yield from named or ([None] if self.tagged else [])
        if self.filtered:
            match = _FILTER.fullmatch(body["filter"])
            yield match[1] if match else None


_PAIRS = items(key=text, value=text)
_TAGS = items(key=tag, value=text)
_METRICS = items(key=text, value=number, timestamp=number, step=number)
_SHAPES = {
    "experiments/create": Shape({"name": text}),
    "experiments/restore": Shape({"experiment_id": ident}),
    "runs/create": Shape(
        {"experiment_id": ident, "tags": _TAGS}, {"run_name": text, "start_time": number}, tagged=True
    ),
    "runs/search": Shape({"experiment_ids": one_id, "filter": text}, {"max_results": number}, filtered=True),
    "runs/update": Shape({"run_id": ident}, {"status": text, "end_time": number}),
    "runs/log-batch": Shape({"run_id": ident}, {"metrics": _METRICS, "params": _PAIRS, "tags": _TAGS}),
}


def shape(route: str) -> Shape | None:
    return _SHAPES.get(route)
