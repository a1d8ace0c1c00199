"""Defines the parts of an addon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.localcluster.binaries import Program

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Two lists of objects: the API must know the CRDs before the objects are applied."""

    crds: list[Object]
    objects: list[Object]


@dataclass(frozen=True)
class Addon:
    """Programs that run in pods, the objects that install them, and our own objects for them."""

    name: str
    namespace: str
    program: Program | None
    """The Go program, if it is one."""
    images: Mapping[str, str]
    """File of the program -> reference of the image that has it at ``/<file>``."""
    rendered: Callable[[], Rendered]
    """Returns the objects, which are rendered on the first call and kept."""
    works: Callable[[str], bool]
    """Returns whether the addon works on the cluster of that name; polled once its Deployments are ready."""
    user: str = ""
    """The user of the images, for objects that leave the user to the image."""
    dockerfiles: tuple[str, ...] = ()
    """Further images, built from Dockerfiles in the folders of these names beside this file."""
    objects: tuple[Object, ...] = ()
    """Our own objects, applied with the rendered ones."""
    registries: Callable[[str], Mapping[str, str]] = lambda cluster: {}
    """Returns the registries that it runs on that cluster, as images name them -> the address that nodes reach."""
    news: str = ""
    """What a person has to know, said when it is ready."""
