"""Exports each object's conditions and figures as Prometheus metrics.

An object's lines are written when it changes, not at a scrape: a page for thousands of objects is then one join, and
takes no time from the passes. The text format is that of
https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.engine.conditions import parse_time
from modelyard.engine.resource import Key, Object, Resource
from modelyard_api.fields.facts import Figure
from modelyard_api.kinds.registry import KINDS

CONDITION = "modelyard_condition"
_HELP = {CONDITION: "1 for each condition of an object, with its status and reason."}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class ObjectMetrics:
    """The metrics of the objects of all kinds; ``changed`` is one of the store's listeners."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[Key, bytes]] = {CONDITION: {}}
        """Metric -> object -> its lines of that metric."""
        self._help = dict(_HELP)
        for kind in KINDS.values():
            for figure in kind.info.figures:
                name = figure.metric(kind.info.kind)
                self._lines[name], self._help[name] = {}, figure.description

    def changed(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        """Writes the lines of an object anew, or removes them with it."""
        kind = KINDS.get(resource.kind)
        obj = after or before
        if kind is None or kind.info.resource.plural != resource.plural or obj is None:
            return
        meta = obj["metadata"]
        key = Key(resource, meta["namespace"], meta["name"])
        self._set(CONDITION, key, b"".join(_conditions(key, after)) if after else b"")
        for figure in kind.info.figures:
            self._set(figure.metric(resource.kind), key, b"".join(_figure(figure, key, after)) if after else b"")

    def page(self) -> bytes:
        """Returns the lines of all objects, with HELP and TYPE of each metric that has any."""
        parts = []
        for name, lines in self._lines.items():
            if lines:
                parts.append(f"# HELP {name} {self._help[name]}\n# TYPE {name} gauge\n".encode())
                parts += lines.values()
        return b"".join(parts)

    def _set(self, name: str, key: Key, lines: bytes) -> None:
        if lines:
            self._lines[name][key] = lines
        else:
            self._lines[name].pop(key, None)


def _conditions(key: Key, obj: Object) -> Iterator[bytes]:
    for item in (obj.get("status") or {}).get("conditions") or ():
        labels = {"kind": key.resource.kind, "namespace": key.namespace, "name": key.name}
        yield _line(CONDITION, labels | {name: item.get(name, "") for name in ("type", "status", "reason")}, 1)


def _figure(figure: Figure, key: Key, obj: Object) -> Iterator[bytes]:
    metric, own = figure.metric(key.resource.kind), {"namespace": key.namespace, "name": key.name}
    for labels, number in _values(figure, obj):
        if isinstance(number, str):
            number = parse_time(number).timestamp()
        if isinstance(number, int | float):
            yield _line(metric, own | labels, number)


def _values(figure: Figure, obj: Object) -> Iterator[tuple[dict[str, str], Any]]:
    """Yields the labels and the value of each series of a figure."""
    *parents, last = figure.path.removeprefix(".").split(".")
    value: Any = obj
    for name in parents:
        value = value.get(name) if isinstance(value, Mapping) else None
    if figure.by:
        for item in value or ():
            yield {label: item[name] for label, name in figure.by}, item[last]
        return
    value = value.get(last) if isinstance(value, Mapping) else None
    if not figure.label:
        yield {}, value
        return
    for entry, number in (value or {}).items():
        yield {figure.label: entry}, number


def _line(metric: str, labels: Mapping[str, str], value: float) -> bytes:
    text = ",".join(f'{name}="{label.translate(_ESCAPES)}"' for name, label in labels.items())
    return f"{metric}{{{text}}} {value!r}\n".encode()
