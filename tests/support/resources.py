"""By which path an API server serves a kind, whatever it is called: as kubectl finds it, by discovery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.client import Client

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True)
class Served:
    """One resource, in the version that its group prefers."""

    api_version: str
    plural: str
    kind: str
    namespaced: bool
    names: frozenset[str]
    """What people call it, in small letters."""
    categories: frozenset[str]

    def path(self, namespace: str, name: str = "") -> str:
        root = "/api/" if "/" not in self.api_version else "/apis/"
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{self.api_version}{within}/{self.plural}{'/' if name else ''}{name}"


class Resources:
    """All that one API server serves; asked again for a name that was not there, since CRDs come later."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._served: list[Served] = []

    def named(self, name: str) -> list[Served]:
        """The resource of a plural, a singular, a kind or a short name, or all of a category. Raises LookupError.

        Where several groups use one name, as metrics-server does with ``pods``, it is the first group's, as in kubectl.
        """
        asked = name.lower()
        return self._find(
            name,
            lambda: (
                [one for one in self._served if asked in one.names][:1]
                or [one for one in self._served if asked in one.categories]
            ),
        )

    def of(self, obj: dict[str, Any]) -> Served:
        """That of an object. Raises LookupError."""
        wanted = (obj["apiVersion"], obj["kind"])
        return self._find(
            " ".join(wanted), lambda: [one for one in self._served if (one.api_version, one.kind) == wanted]
        )[0]

    def _find(self, name: str, look: Callable[[], list[Served]]) -> list[Served]:
        for _ in range(2):
            if found := look():
                return found
            self._served = [*self._discover("/api"), *self._discover("/apis")]
        raise LookupError(f"the API server of {self._client.cluster} serves no {name!r}")

    def _discover(self, path: str) -> Iterator[Served]:
        for group in self._client.send("GET", path, headers={"Accept": _AGGREGATED}).document["items"]:
            name = group["metadata"].get("name", "")
            version = group["versions"][0]
            api_version = f"{name}/{version['version']}" if name else str(version["version"])
            for one in version.get("resources", ()):
                plural, kind = one["resource"], one["responseKind"]["kind"]
                short = [plural, one.get("singularResource", ""), kind, *one.get("shortNames", ())]
                names = {text.lower() for text in short if text} | {f"{plural}.{name}"}
                categories = frozenset(one.get("categories", ()))
                yield Served(api_version, plural, kind, one["scope"] == "Namespaced", frozenset(names), categories)
