"""What an addon is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.localcluster.binaries import Program

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Two lists of objects: the second needs that the first is known to the API."""

    crds: list[Object]
    objects: list[Object]


@dataclass(frozen=True)
class Addon:
    """Programs of Go that run in pods, the objects that install them, and what of ours comes with them."""

    name: str
    namespace: str
    program: Program
    images: Mapping[str, str]
    """The references of the images that are made, by the file of the program that is in each, at ``/<file>``."""
    rendered: Callable[[], Rendered]
    """Made on the first call, and kept."""
    works: Callable[[str], bool]
    """Whether it does on the cluster of that name; asked again and again once its Deployments are ready."""
    user: str = ""
    """Whom the images run as, where the objects leave that to the image."""
    dockerfiles: tuple[str, ...] = ()
    """Further images, from Dockerfiles in the folders of these names beside this file."""
    objects: tuple[Object, ...] = ()
    """Applied with the others."""
