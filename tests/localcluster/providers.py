"""Chooses the provider that runs a cluster, and defines what all providers can do."""

from collections.abc import Sequence
from typing import Any, Protocol

from . import docker
from .current import Current
from .embedded import Embedded
from .kind import Kind
from .kwok import Kwok
from .record import load

NAMES = ("current", "kind", "embedded", "kwok")


class Provider(Protocol):
    """A way to run a cluster. Every method raises CannotRun with a sentence for the user."""

    def up(self) -> None:
        """Starts the cluster, or those parts that don't run, and waits until it works."""

    def down(self) -> None:
        """Removes the cluster with all it holds."""

    def kill(self) -> None:
        """Ends all of its processes at once."""

    def stop(self, n: int) -> None:
        """Cuts the power of node n."""

    def start(self, n: int) -> None:
        """Starts node n again."""

    def load_images(self) -> None:
        """Brings the built images to the nodes."""

    def load_addon(self, images: Sequence[str], programs: Sequence[str]) -> None:
        """Brings an addon's images to the nodes: those built from Dockerfiles, and the programs' in the layout."""

    def trust_registry(self, host: str, address: str) -> None:
        """Lets nodes pull images of the registry ``host`` from this address in the cluster's network, by http."""

    def logs(self, lines: int) -> str:
        """Returns the end of the daemons' logs."""

    def status(self) -> dict[str, Any]:
        """Returns what runs, with at least `name`, `provider` and `exists`."""

    def environment(self) -> dict[str, str]:
        """Returns the variables for a person's shell."""


def name_of(cluster: str, asked: str) -> str:
    """Returns `current`, `kind`, `embedded` or `kwok`: what was asked for, or for `auto` the cluster's own provider.

    A new cluster gets `kind` where a Docker engine answers, and else `embedded`.
    """
    if asked != "auto":
        return asked
    if record := load(cluster):
        return record.provider
    return "kind" if docker.answers() else "embedded"


def pick(cluster: str, asked: str) -> Provider:
    """Returns the provider of a cluster."""
    kinds: dict[str, type[Provider]] = {"current": Current, "kind": Kind, "embedded": Embedded, "kwok": Kwok}
    return kinds[name_of(cluster, asked)](cluster)  # type: ignore[call-arg]


def builder(provider: Provider) -> str:
    """Returns what builds the images for a provider: `docker` or `buildah`."""
    return "buildah" if isinstance(provider, Embedded) or not docker.answers() else "docker"
