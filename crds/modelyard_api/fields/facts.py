"""What a kind says of itself, once: CRDs, RBAC, the operator's wiring and the lists of the tests come from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from modelyard_api import GROUP, VERSION
from modelyard_api.fields.builtin import ResourceType


@dataclass(frozen=True)
class Column:
    """A column of ``kubectl get``. ``priority`` 1 shows only with ``-o wide``."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Reference:
    """A field that names another object, which lies in the same namespace.

    ``path`` is a JSON path as in ``Column``, where ``[]`` stands for each item of a list. ``kind`` is one of ours or of
    ``fields.builtin``, or the path of the field that says which. ``follow``: a change of the named object concerns the
    one that names it; a lineage is only read. ``namespace`` is the path of the field that may name another namespace,
    and is only for what people share by design.
    """

    path: str
    kind: str
    follow: bool = True
    namespace: str | None = None

    def names(self, obj: dict[str, Any]) -> tuple[str, ...]:
        """The names that an object, as the API server sends it, has there."""
        return tuple(_values(obj, self.path.removeprefix(".").split(".")))


@dataclass(frozen=True)
class Run:
    """The Jobs of a kind, each named ``<object>-<purpose>-<8 hex digits>``.

    ``under_way`` is the reason of Ready while a pod of its Job runs; before and after that it is one in ``WAITING``.
    """

    purpose: str
    under_way: str


WAITING = ("PodPending", "PodsUnavailable", "ArtifactStoreUnavailable")
"""Reasons of every kind with Jobs: its pod doesn't run yet, or what there is to know of its end can't be read now."""


@dataclass(frozen=True)
class KindInfo:
    """``owns``: the kinds of its children, ours or of ``fields.builtin``. ``watches``: kinds of objects that are no
    children, but have the labels of one. ``runs``: its Jobs, where it makes some.

    ``people``: whether they create and edit it, or can only delete what the operator has made. ``operator``: what the
    operator writes of it besides its status.
    """

    kind: str
    plural: str
    short: str
    columns: tuple[Column, ...]
    owns: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    refers: tuple[Reference, ...] = ()
    runs: Run | None = None
    people: Literal["Edit", "Delete"] = "Edit"
    operator: tuple[Literal["create", "patch"], ...] = ()
    scale: dict[str, str] | None = None
    rules: tuple[dict[str, str], ...] = ()
    """CEL rules of the whole object, where ``self.metadata.name`` and ``self.status`` can be read."""

    @property
    def resource(self) -> ResourceType:
        return ResourceType(GROUP, VERSION, self.plural, self.kind)

    def names(self, obj: dict[str, Any], kind: str) -> tuple[str, ...]:
        """The names of the objects of ``kind`` that ``obj`` refers to, each once."""
        found = (name for reference in self.refers if reference.kind == kind for name in reference.names(obj))
        return tuple(dict.fromkeys(found))


def _values(value: Any, path: list[str]) -> Iterator[str]:
    if not path:
        if value:
            yield str(value)
        return
    name, *rest = path
    found = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    for item in found or () if name.endswith("[]") else (found,):
        yield from _values(item, rest)
