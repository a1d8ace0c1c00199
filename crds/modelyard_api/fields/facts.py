"""The facts of a kind, from which CRDs, RBAC, the operator's wiring and the tests' lists of kinds are derived."""

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
class Figure:
    """A number that the operator exports for each object as the Prometheus gauge ``modelyard_<kind>_<name>``.

    ``path`` is a JSON path as in ``Column``, of a number or of a time, which is exported in Unix seconds. With
    ``label`` the value there is a map, and each of its entries is a series, whose key is that label's value. With
    ``by``, pairs of a label and a field, the last but one name of the path is a list, and each of its items is a
    series.
    """

    name: str
    path: str
    description: str
    label: str = ""
    by: tuple[tuple[str, str], ...] = ()

    def metric(self, kind: str) -> str:
        """Returns the whole name of the metric."""
        return f"modelyard_{kind.lower()}_{self.name}"


POD_FIGURES = (
    Figure("replicas", ".status.replicas", "Its pods."),
    Figure("ready_replicas", ".status.readyReplicas", "Its pods that are ready."),
)
"""The figures of every kind that has serving pods."""


@dataclass(frozen=True)
class Reference:
    """A field that names another object in the same namespace.

    ``path`` is a JSON path as in ``Column``, where ``[]`` stands for each item of a list. ``kind`` is one of ours or of
    ``fields.builtin``, or the path of the field that has the kind. ``follow`` means that a change of the named object
    matters to the object that names it; for a lineage it doesn't. ``namespace`` is the path of the field that may name
    another namespace, and is only for objects that people share by design.
    """

    path: str
    kind: str
    follow: bool = True
    namespace: str | None = None

    def names(self, obj: dict[str, Any]) -> tuple[str, ...]:
        """Returns the names in this field of an object, which has the API server's form."""
        return tuple(_values(obj, self.path.removeprefix(".").split(".")))


@dataclass(frozen=True)
class Run:
    """The Jobs of a kind, each of which is named ``<object>-<purpose>-<8 hex digits>``.

    ``under_way`` is the reason of Ready while a pod of its Job runs; before and after that it is one in ``WAITING``.
    """

    purpose: str
    under_way: str


WAITING = ("PodPending", "PodsUnavailable", "ArtifactStoreUnavailable")
"""Reasons that every kind with Jobs has: the pod doesn't run yet, or its outcome can't be read now."""


@dataclass(frozen=True)
class KindInfo:
    """The facts of a kind. ``owns`` has the kinds of its children, ours or of ``fields.builtin``. ``watches`` has kinds
    of objects that are not children but have the labels of one. ``runs`` describes its Jobs, if it has any.

    ``figures`` are exported as metrics of each object.
    ``people`` says whether people create and edit it, or can only delete the operator's objects. ``operator`` has the
    verbs that the operator uses on it besides writing its status.
    """

    kind: str
    plural: str
    short: str
    columns: tuple[Column, ...]
    figures: tuple[Figure, ...] = ()
    owns: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    refers: tuple[Reference, ...] = ()
    runs: Run | None = None
    people: Literal["Edit", "Delete"] = "Edit"
    operator: tuple[Literal["create", "patch", "delete"], ...] = ()
    scale: dict[str, str] | None = None
    rules: tuple[dict[str, str], ...] = ()
    """``rules`` are CEL rules of the whole object, which can read ``self.metadata.name`` and ``self.status``."""

    @property
    def resource(self) -> ResourceType:
        return ResourceType(GROUP, VERSION, self.plural, self.kind)

    def names(self, obj: dict[str, Any], kind: str) -> tuple[str, ...]:
        """Returns the unique names of the objects of ``kind`` that ``obj`` refers to."""
        names = (name for reference in self.refers if reference.kind == kind for name in reference.names(obj))
        return tuple(dict.fromkeys(names))


def _values(value: Any, path: list[str]) -> Iterator[str]:
    if not path:
        if value:
            yield str(value)
        return
    name, *rest = path
    child = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    for item in child or () if name.endswith("[]") else (child,):
        yield from _values(item, rest)
