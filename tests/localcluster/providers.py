"""Which provider runs a cluster, and what all of them can do."""

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
    """A way to have a cluster. Every method raises CannotRun with a sentence for the user."""

    def up(self) -> None:
        """Start it, or what of it does not run, and wait until it works."""

    def down(self) -> None:
        """Remove it with all it holds."""

    def kill(self) -> None:
        """End all of its processes at once."""

    def stop(self, n: int) -> None:
        """Take the power from node n."""

    def start(self, n: int) -> None:
        """Give it back."""

    def load_images(self) -> None:
        """Bring the built images to the nodes."""

    def load_addon(self, images: Sequence[str], programs: Sequence[str]) -> None:
        """Bring an addon's images to the nodes: those built from Dockerfiles, and the programs' in the layout."""

    def logs(self, lines: int) -> str:
        """The end of the daemons' logs."""

    def status(self) -> dict[str, Any]:
        """What runs; `name`, `provider` and `exists` at least."""

    def environment(self) -> dict[str, str]:
        """The variables for a person's shell."""


def name_of(cluster: str, asked: str) -> str:
    """`current`, `kind`, `embedded` or `kwok`, for a cluster's name and what was asked for (`auto`: our choice)."""
    if asked != "auto":
        return asked
    if record := load(cluster):
        return record.provider
    return "kind" if docker.answers() else "embedded"


def pick(cluster: str, asked: str) -> Provider:
    """The provider of a cluster."""
    kinds: dict[str, type[Provider]] = {"current": Current, "kind": Kind, "embedded": Embedded, "kwok": Kwok}
    return kinds[name_of(cluster, asked)](cluster)  # type: ignore[call-arg]


def builder(provider: Provider) -> str:
    """What builds the images for a provider: `docker` or `buildah`."""
    return "buildah" if isinstance(provider, Embedded) or not docker.answers() else "docker"
