"""Builds images without a container engine, by buildah, with a substitute for the Dockerfiles' base image."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from . import layers, oci
from .digests import IGNORE_FILE, dockerfile, reference
from .paths import REPO, cache, locked
from .say import run, run_slow, say

# The substitute for python:3.11-slim: Debian with a python3 that can create virtual environments.
_MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=apt",
    "--include=python3-minimal,python3-venv,ca-certificates",
    "bookworm",
)
_BASE_DOCKERFILE = "FROM scratch\nADD base.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
# The host's files with package settings, trusted certificates and names, mounted for the build only.
_HOST_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/resolv.conf", "/etc/hosts")


class Buildah:
    """Runs buildah with its storage in the cache."""

    def __init__(self) -> None:
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

    @staticmethod
    def base_key() -> str:
        """Returns 16 hex digits of a hash of what decides the substitute's content."""
        return hashlib.sha256(" ".join((*_MMDEBSTRAP, _BASE_DOCKERFILE)).encode()).hexdigest()[:16]

    def build_command(
        self, image: str, base: str, exists: object = os.path.exists, *more: str, tag: str | None = None
    ) -> list[str]:
        """Returns the command that builds one image; `exists` tells whether a file of the host exists, `more` are
        further flags."""
        assert callable(exists)
        mounts = [part for path in _HOST_FILES if exists(path) for part in ("-v", f"{path}:{path}:ro")]
        return [
            *(*self.argv, "bud", "--layers", "--isolation", "chroot", "--network", "host", "--pull-never"),
            *("--ignorefile", str(IGNORE_FILE), *mounts, "--build-arg", f"BASE_IMAGE={base}"),
            *(*more, "-f", str(dockerfile(image)), "-t", tag or reference(image), str(REPO)),
        ]

    def build(self, image: str, log: Path) -> None:
        """Builds one image and puts it into the layout. Raises CannotRun with the log's end if it fails."""
        run_slow(image, self.build_command(image, self.base()), log)
        with locked("oci"):
            oci.folder().mkdir(parents=True, exist_ok=True)
            inspect = [*self.argv, "inspect", "--type", "image", "--format", "{{.FromImageID}}", reference(image)]
            if layers.take(self.storage, run(inspect).strip(), reference(image)):
                return
            target = f"oci:{oci.folder()}:{reference(image)}"
            # Push uncompressed: compression costs more time than the disk is worth, and equal layers stay equal.
            run([*self.argv, "push", "--quiet", "--disable-compression", reference(image), target])

    def base(self) -> str:
        """Returns the name of the substitute, which is built first if it is missing (half a minute)."""
        name = f"localhost/modelyard/base:{self.base_key()}"
        if subprocess.run(
            [*self.argv, "inspect", "--type", "image", name], capture_output=True, check=False
        ).returncode:
            folder = cache() / "base"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            say("making the base image (Debian with Python)")
            run_slow("base", [*_MMDEBSTRAP, str(folder / "base.tar")], cache() / "log/image-base.log")
            (folder / "Dockerfile").write_text(_BASE_DOCKERFILE)
            run([*self.argv, "bud", "--quiet", "--isolation", "chroot", "--network", "host", "-t", name, str(folder)])
            shutil.rmtree(folder)
        return name
