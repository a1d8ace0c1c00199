"""Brings images into a containerd: only the layers that it lacks."""

import contextlib
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import binaries, oci
from .config import COREDNS_IMAGE, PAUSE_IMAGE
from .paths import locked
from .say import CannotRun, run, say


def ctr(socket: Path, *arguments: str) -> list[str]:
    """The command line of containerd's client for the images that Kubernetes sees."""
    program = binaries.programs()["containerd"].folder() / "ctr"
    return [str(program), "-a", str(socket), "-n", "k8s.io", *arguments]


def put_own_images() -> None:
    """Adds the images of the cluster's own parts to the layout."""
    with locked("oci"):
        oci.put_program(PAUSE_IMAGE, Path("/bin/busybox"), "/busybox", ("sleep", "2147483647"))
        oci.put_program(COREDNS_IMAGE, binaries.programs()["coredns"].folder() / "coredns", "/coredns")


def listed(socket: Path) -> dict[str, str]:
    """Reference -> manifest digest of the images that a containerd has."""
    rows = [line.split() for line in run(ctr(socket, "images", "ls")).splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def outdated(socket: Path) -> list[str]:
    """The references that this containerd lacks or has with another content than the layout."""
    have = listed(socket)
    return [ref for ref, digest in oci.images().items() if have.get(ref) != digest]


def bring(socket: Path, who: str) -> bool:
    """Imports what is outdated; says so and returns whether there was anything. Raises CannotRun when that fails."""
    with locked("oci", shared=True):  # nobody prunes the layout meanwhile
        return _bring(socket, who)


def _bring(socket: Path, who: str) -> bool:
    refs = outdated(socket)
    if not refs:
        return False
    began = time.monotonic()
    present = set(run(ctr(socket, "content", "ls", "-q")).split())
    with tempfile.TemporaryFile() as errors:
        # The client unpacks (--local) and reads the archive as a stream, so it is never on disk.
        argv = ctr(socket, "images", "import", "--local", "-")
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=errors, stderr=errors) as process:
            assert process.stdin
            size = 0
            with contextlib.suppress(BrokenPipeError), process.stdin:
                size = oci.write_archive(process.stdin, refs, present)
        if process.returncode:
            errors.seek(0)
            raise CannotRun(f"{who} takes no images: {errors.read().decode()[-1000:]}")
    if left := outdated(socket):
        raise CannotRun(f"{who} took the images, but still lacks {', '.join(left)}.")
    say(f"  {who}: {', '.join(refs)} ({size / 1e6:.0f} MB of new layers, {time.monotonic() - began:.0f} s)")
    return True


def bring_to_all(sockets: dict[str, Path]) -> None:
    """Imports what is outdated into several containerds (who -> socket) at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda item: bring(item[1], item[0]), sockets.items()))
