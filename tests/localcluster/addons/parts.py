"""What an addon is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.localcluster.binaries import Program

from .charts import Chart

Object = dict[str, Any]


@dataclass(frozen=True)
class Addon:
    """A program of Go that runs in pods, a chart that installs it, and what of ours comes with it."""

    name: str
    program: Program
    image: str
    """The reference of the image that is made of the program."""
    chart: Chart
    works: Callable[[str], bool]
    """Whether it does on the cluster of that name; asked again and again once its Deployments are ready."""
    user: str = ""
    """Whom the image runs as, where the chart leaves that to the image."""
    images: tuple[str, ...] = ()
    """Further images, from Dockerfiles in the folders of these names beside this file."""
    objects: tuple[Object, ...] = ()
    """Applied with the chart's."""
