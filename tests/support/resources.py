"""Finds the path at which an API server serves a resource, by any of its names: by discovery, as kubectl does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.client import Client

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True)
class Served:
    """A resource that the API server serves, in the version that its group prefers."""

    api_version: str
    plural: str
    kind: str
    namespaced: bool
    names: frozenset[str]
    """Plural, singular, kind and short names, in lower case."""
    categories: frozenset[str]

    def path(self, namespace: str, name: str = "") -> str:
        root = "/api/" if "/" not in self.api_version else "/apis/"
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{self.api_version}{within}/{self.plural}{'/' if name else ''}{name}"


class Resources:
    """All resources of one API server. An unknown name is discovered anew once, because CRDs may have been added."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._served: list[Served] = []

    def named(self, name: str) -> list[Served]:
        """Returns the resource of a plural, singular, kind or short name, or all of a category. Raises LookupError.

        If several groups use a name, as metrics-server does with ``pods``, the first group's wins, as in kubectl.
        """
        asked = name.lower()
        return self._find(
            name,
            lambda: (
                [resource for resource in self._served if asked in resource.names][:1]
                or [resource for resource in self._served if asked in resource.categories]
            ),
        )

    def of(self, obj: dict[str, Any]) -> Served:
        """Returns the resource of an object. Raises LookupError."""
        key = (obj["apiVersion"], obj["kind"])
        return self._find(
            " ".join(key), lambda: [item for item in self._served if (item.api_version, item.kind) == key]
        )[0]

    def _find(self, name: str, look: Callable[[], list[Served]]) -> list[Served]:
        for _ in range(2):
            if resources := look():
                return resources
            self._served = [*self._discover("/api"), *self._discover("/apis")]
        raise LookupError(f"the API server of {self._client.cluster} serves no {name!r}")

    def _discover(self, path: str) -> Iterator[Served]:
        for group in self._client.send("GET", path, headers={"Accept": _AGGREGATED}).document["items"]:
            name = group["metadata"].get("name", "")
            version = group["versions"][0]
            api_version = f"{name}/{version['version']}" if name else str(version["version"])
            for item in version.get("resources", ()):
                plural, kind = item["resource"], item["responseKind"]["kind"]
                short = [plural, item.get("singularResource", ""), kind, *item.get("shortNames", ())]
                names = {text.lower() for text in short if text} | {f"{plural}.{name}"}
                categories = frozenset(item.get("categories", ()))
                yield Served(api_version, plural, kind, item["scope"] == "Namespaced", frozenset(names), categories)
