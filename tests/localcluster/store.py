"""Brings images into a containerd, and transfers only the layers that it lacks."""

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
    """Returns a command line of containerd's client, in the namespace of the images that Kubernetes sees."""
    program = binaries.programs()["containerd"].folder() / "ctr"
    return [str(program), "-a", str(socket), "-n", "k8s.io", *arguments]


def put_own_images() -> None:
    """Adds the images of the cluster's own parts, pause and CoreDNS, to the layout."""
    with locked("oci"):
        oci.put_program(PAUSE_IMAGE, Path("/bin/busybox"), "/busybox", ("sleep", "2147483647"))
        oci.put_program(COREDNS_IMAGE, binaries.programs()["coredns"].folder() / "coredns", "/coredns")


def listed(socket: Path) -> dict[str, str]:
    """Returns reference -> manifest digest of the images that a containerd has."""
    rows = [line.split() for line in run(ctr(socket, "images", "ls")).splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def outdated(socket: Path) -> list[str]:
    """Returns the references that this containerd lacks or has with another content than the layout."""
    have = listed(socket)
    return [ref for ref, digest in oci.images().items() if have.get(ref) != digest]


def bring(socket: Path, who: str) -> bool:
    """Imports the outdated images, and returns whether there were any. Raises CannotRun if that fails."""
    with locked("oci", shared=True):  # keeps others from pruning the layout meanwhile
        return _bring(socket, who)


def _bring(socket: Path, who: str) -> bool:
    refs = outdated(socket)
    if not refs:
        return False
    began = time.monotonic()
    present = set(run(ctr(socket, "content", "ls", "-q")).split())
    with tempfile.TemporaryFile() as errors:
        # With --local the client unpacks the archive, which it reads as a stream, so that it is never on disk.
        argv = ctr(socket, "images", "import", "--local", "-")
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=errors, stderr=errors) as process:
            assert process.stdin
            size = 0
            with contextlib.suppress(BrokenPipeError), process.stdin:
                size = oci.write_archive(process.stdin, refs, present)
        if process.returncode:
            errors.seek(0)
            raise CannotRun(f"{who} takes no images: {errors.read().decode()[-1000:]}")
    if lacking := outdated(socket):
        raise CannotRun(f"{who} took the images, but still lacks {', '.join(lacking)}.")
    say(f"  {who}: {', '.join(refs)} ({size / 1e6:.0f} MB of new layers, {time.monotonic() - began:.0f} s)")
    return True


def bring_to_all(sockets: dict[str, Path]) -> None:
    """Imports the outdated images into several containerds (who -> socket) in parallel."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda item: bring(item[1], item[0]), sockets.items()))
