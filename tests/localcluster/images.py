"""Builds the project's images with Docker, and brings them to nodes by the registry beside them.

Docker builds nothing that is unchanged. A node that has an image is not asked to pull it, and from one that changed it
pulls the layers that it lacks.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from tests.common.paths import REPO, locked
from tests.common.say import say

from . import base, engine, kind, registry
from .paths import HERE

# A mirror of packages, and who is trusted to be it, are the machine's: builds read these files, images don't keep them.
_SECRETS = {"pip": "/etc/pip.conf", "ca": "/etc/ssl/certs/ca-certificates.crt"}


def dockerfiles(repo: Path = REPO) -> dict[str, Path]:
    """Returns image -> its Dockerfile, for each folder of images/ that has one."""
    return {path.parent.name: path for path in sorted((repo / "images").glob("*/Dockerfile"))}


def dockerfile(image: str) -> Path:
    """Returns the Dockerfile of an image of the project, or of an addon."""
    own = REPO / "images" / image / "Dockerfile"
    return own if own.exists() else HERE / "addons" / image / "Dockerfile"


def reference(image: str) -> str:
    """Returns the name by which the manifests refer to an image."""
    return f"localhost/modelyard/{image}:dev"


def secrets() -> list[str]:
    """Returns the flags of a build by which it reads the machine's files, where there are any."""
    return [
        part for key, path in _SECRETS.items() if Path(path).exists() for part in ("--secret", f"id={key},src={path}")
    ]


def build(images: Iterable[str] | None = None) -> dict[str, str]:
    """Builds the images, by default all of the project, and returns the id of each. Raises CannotRun."""
    chosen = list(dockerfiles() if images is None else images)
    engine.start()
    with locked("images"):
        before, base_image = ids(), base.image()
        for image in chosen:
            flags = [*secrets(), "--build-arg", f"BASE_IMAGE={base_image}"]
            engine.build(reference(image), dockerfile(image), REPO, *flags, quiet=5)
        known = ids()
        after = {image: known[reference(image)] for image in chosen}
        if changed := [image for image in chosen if before.get(reference(image)) != after[image]]:
            say(f"built {', '.join(changed)}; unchanged: {len(chosen) - len(changed)}")
            if engine.private():
                engine.docker("image", "prune", "--force")
    return after


def put_program(ref: str, program: Path) -> None:
    """Makes an image of one static program."""
    flags = ["--build-arg", f"BASE_IMAGE={base.image()}", "--build-arg", f"PROGRAM={program.name}"]
    engine.build(ref, HERE / "addons/program.Dockerfile", program.resolve().parent, *flags, quiet=5)


def ids() -> dict[str, str]:
    """Returns reference -> id of the images that the engine has."""
    lines = engine.docker("image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines)  # type: ignore[misc]


def load(cluster: str, references: Iterable[str]) -> None:
    """Brings those of the images that are built to the workers that lack them."""
    known = ids()
    chosen = {ref: known[ref] for ref in references if ref in known}
    listed = kind.on_nodes(cluster, "crictl", "images", "--output=json")
    wanted = set()
    for text in listed.values():
        has = {tag: image["id"] for image in json.loads(text)["images"] for tag in image["repoTags"]}
        wanted |= {ref for ref, value in chosen.items() if has.get(ref) != value}
    if wanted:
        began = time.monotonic()
        say(f"  pushing {', '.join(sorted(wanted))} to the registry beside the nodes")
        registry.push(sorted(wanted))
        say(f"  pushed after {time.monotonic() - began:.0f} s; the nodes pull")
        kind.on_nodes(cluster, "sh", "-ec", "\n".join(f"crictl pull {ref}" for ref in sorted(wanted)))
        say(f"  pulled after {time.monotonic() - began:.0f} s")
