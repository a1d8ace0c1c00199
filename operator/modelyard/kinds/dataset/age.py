"""Orders the versions of a Dataset by their age."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from modelyard.engine.resource import Object


class Age(NamedTuple):
    """The greater, the younger."""

    created: str
    depth: int
    """How many versions came before it, which tells the order of those that were created within one second."""
    name: str


def by_age(versions: Iterable[Object]) -> list[Object]:
    """Returns the versions, the oldest first: by the time at which they were created, but none before its parent.

    A backup brings them back within seconds, in any order; then their parents alone tell which is newer.
    """
    by_name = {version["metadata"]["name"]: version for version in versions}
    ages: dict[str, Age] = {}
    for name in by_name:
        for ancestor in reversed(_line(by_name, ages, name)):
            parent = ages.get(_parent(by_name[ancestor]))
            created = _created(by_name[ancestor])
            if parent is None:
                ages[ancestor] = Age(created, 0, ancestor)
            else:
                ages[ancestor] = Age(max(created, parent.created), parent.depth + 1, ancestor)
    return sorted(by_name.values(), key=lambda version: ages[version["metadata"]["name"]])


def _line(by_name: Mapping[str, Object], known: Collection[str], name: str) -> list[str]:
    """Returns a version and those before it, each before its parent, as far as they aren't ``known``.

    Where the source holds the rows of a deleted version again, that version is made again, by the same name, and comes
    after what once came after it. Of such a circle the oldest is the one whose parent is gone, so that it is the last.
    """
    line: dict[str, None] = {}
    at = name
    while at in by_name and at not in known and at not in line:
        line[at] = None
        at = _parent(by_name[at])
    names = list(line)
    if at not in line:
        return names
    start = names.index(at)
    circle = names[start:]
    cut = circle.index(min(circle, key=lambda item: (_created(by_name[item]), item))) + 1
    return [*names[:start], *circle[cut:], *circle[:cut]]


def _parent(version: Object) -> str:
    return str(version["spec"].get("parent") or "")


def _created(version: Object) -> str:
    return str(version["metadata"].get("creationTimestamp"))
