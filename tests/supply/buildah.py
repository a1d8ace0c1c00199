"""Builds images by buildah, which can give all files of an image one time, on Debian as their base image."""

import subprocess
import tempfile
from pathlib import Path

from tests.common.paths import REPO, cache
from tests.common.say import run, run_slow
from tests.localcluster import machine
from tests.localcluster.base import CHANGE, KEY, MMDEBSTRAP
from tests.localcluster.images import dockerfile, secrets


class Buildah:
    """Runs buildah with its storage in the cache."""

    def __init__(self) -> None:
        machine.install("buildah", "buildah")
        machine.install("mmdebstrap", "mmdebstrap")
        self.storage = cache() / "buildah"
        # The run folder must be one that a reboot empties, because it holds locks and mounts.
        self.argv = [
            "buildah",
            "--root",
            str(self.storage),
            "--runroot",
            "/run/modelyard-buildah",
            "--storage-driver",
            "overlay",
        ]

    def build_command(self, image: str, base: str, tag: str, *flags: str) -> list[str]:
        """Returns the command that builds one image."""
        return [
            *(*self.argv, "bud", "--layers", "--isolation", "chroot", "--network", "host", "--pull-never"),
            *("--ignorefile", str(REPO / ".dockerignore"), *secrets(), "--build-arg", f"BASE_IMAGE={base}"),
            *(*flags, "-f", str(dockerfile(image)), "-t", tag, str(REPO)),
        ]

    def base(self) -> str:
        """Returns the name of the base image, which is built first if it is missing (half a minute)."""
        name = f"localhost/modelyard/base:{KEY}"
        found = subprocess.run([*self.argv, "inspect", "--type", "image", name], capture_output=True, check=False)
        if found.returncode:
            with tempfile.TemporaryDirectory(prefix="modelyard-base-") as folder:
                run_slow("base", [*MMDEBSTRAP, f"{folder}/base.tar"], cache() / "log/image-base.log")
                (Path(folder) / "Dockerfile").write_text(f"FROM scratch\nADD base.tar /\n{CHANGE[1]}\n")
                run([*self.argv, "bud", "--quiet", "--isolation", "chroot", "--network", "host", "-t", name, folder])
        return name
