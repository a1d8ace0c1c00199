"""Builds the project's images that have changed, by buildah or by Docker, from the same Dockerfiles."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import docker, oci, preflight
from .buildah import Buildah
from .digests import digest, dockerfile, dockerfiles, reference
from .paths import REPO, cache, locked
from .say import run_slow, say

DOCKER_BASE = "python:3.11-slim"


def docker_build(image: str) -> list[str]:
    """Returns the command that builds an image with Docker."""
    return [
        "docker",
        "build",
        "--build-arg",
        f"BASE_IMAGE={DOCKER_BASE}",
        "-f",
        str(dockerfile(image).relative_to(REPO)),
        "-t",
        reference(image),
        ".",
    ]


def image_digests(builder: str | None = None, images: Iterable[str] | None = None) -> dict[str, str]:
    """Returns image -> digest of its sources, by default for all of the project, whether they are built or not.

    `builder` is `docker` or `buildah`, whose base images differ; by default the one that this machine would use.
    """
    base = DOCKER_BASE if (builder or _builder()) == "docker" else Buildah.base_key()
    return {image: digest(dockerfile(image), REPO, base) for image in images or dockerfiles()}


def _builder() -> str:
    return "docker" if docker.answers() else "buildah"


def build_all(builder: str | None = None, images: Iterable[str] | None = None) -> dict[str, str]:
    """Builds the images whose content has changed, by default of all of the project, and returns the digests.

    Raises CannotRun if a build fails.
    """
    builder = builder or _builder()
    if builder == "buildah":
        preflight.check_machine()
        preflight.install_packages()
    digests = image_digests(builder, images)
    with locked("images"):
        built = _Built(cache() / f"images-{builder}.json")
        changed = [image for image, value in digests.items() if not built.has(image, value, builder)]
        if changed:
            say(f"building {', '.join(changed)} with {builder}; unchanged: {len(digests) - len(changed)}")
        for image in changed:
            log = cache() / "log" / f"image-{image}.log"
            if builder == "docker":
                environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
                run_slow(image, docker_build(image), log, env=environment)
            else:
                Buildah().build(image, log)
            built.put(image, digests[image])
        if changed and builder == "buildah":
            with locked("oci"):
                oci.prune()
    return digests


class _Built:
    """Records which content each built image has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: Mapping[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def has(self, image: str, value: str, builder: str) -> bool:
        if self.known.get(image) != value:
            return False
        if builder == "docker":
            inspect = ["docker", "image", "inspect", reference(image)]
            return subprocess.run(inspect, capture_output=True, check=False).returncode == 0
        return reference(image) in oci.images()

    def put(self, image: str, value: str) -> None:
        self.known = {**self.known, image: value}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.known, indent=1))
        part.replace(self.path)
