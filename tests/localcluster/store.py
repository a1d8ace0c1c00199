"""Brings images into the nodes' containerd: only what is missing there, and for a new cluster by hard links.

The cache holds one containerd store, the seed, with every image unpacked once. The layers of a new node are hard links
to the seed's: containerd never changes a layer or a blob after it was committed, containers write elsewhere.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import binaries, oci
from .config import COREDNS_IMAGE, PAUSE_IMAGE, containerd_toml
from .paths import cache, locked
from .say import CannotRun, run, say, until

_KEPT = ("io.containerd.content.v1.content", "io.containerd.snapshotter.v1.overlayfs", "io.containerd.metadata.v1.bolt")


def _ctr(socket: Path, *arguments: str) -> list[str]:
    program = binaries.programs()["containerd"].folder() / "ctr"
    return [str(program), "-a", str(socket), "-n", "k8s.io", *arguments]


def put_own_images() -> None:
    """Adds the images of the cluster's own parts to the layout."""
    with locked("oci"):
        oci.put_program(PAUSE_IMAGE, Path("/bin/busybox"), "/busybox", ("sleep", "2147483647"))
        oci.put_program(COREDNS_IMAGE, binaries.programs()["coredns"].folder() / "coredns", "/coredns")


def listed(socket: Path) -> dict[str, str]:
    """Reference -> manifest digest of the images that a containerd has."""
    rows = [line.split() for line in run(_ctr(socket, "images", "ls")).splitlines()[1:]]
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
    present = set(run(_ctr(socket, "content", "ls", "-q")).split())
    with tempfile.TemporaryFile() as errors:
        # The client unpacks (--local) and reads the archive as a stream, so it is never on disk.
        argv = _ctr(socket, "images", "import", "--local", "-")
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


def _seed() -> Path:
    return cache() / "seed"


@contextlib.contextmanager
def _seed_running() -> Iterator[Path]:
    """A containerd on the seed, in mount and pid namespaces of its own so that nothing of it stays."""
    own = _seed()
    own.mkdir(parents=True, exist_ok=True)
    socket = own / "containerd.sock"
    (own / "containerd.toml").write_text(containerd_toml(own / "store", own / "run", socket, None))
    program = binaries.programs()["containerd"].folder() / "containerd"
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with open(own / "log", "w") as log:
        process = subprocess.Popen(
            [*argv, str(program), "--config", str(own / "containerd.toml")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(30, f"the containerd of {own}", lambda: _answers(socket))
        yield socket
    finally:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)  # it closes its databases
        process.wait(timeout=30)
        shutil.rmtree(own / "run", ignore_errors=True)


def _answers(socket: Path) -> bool:
    return socket.exists() and subprocess.run(_ctr(socket, "version"), capture_output=True, check=False).returncode == 0


def fill_seed() -> None:
    """Imports into the seed what it lacks of the layout's images."""
    with locked("seed"):
        stamp = _seed() / "images"
        wanted = "".join(f"{ref} {digest}\n" for ref, digest in sorted(oci.images().items()))
        if stamp.exists() and stamp.read_text() == wanted:
            return
        say("unpacking images (once for all nodes)")
        with _seed_running() as socket:
            bring(socket, "cache")
            for ref in listed(socket).keys() - oci.images().keys():
                run(_ctr(socket, "images", "rm", ref))
        stamp.write_text(wanted)


def plant(target: Path) -> None:
    """Makes a node's containerd folder from the seed, unless there is one."""
    if target.exists():
        return
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with locked("seed"):
        store = _seed() / "store"
        # Hard links need one file system; else they are copies.
        link = "--link" if os.stat(store).st_dev == os.stat(part).st_dev else "--reflink=auto"
        run(["cp", "-a", link, *(str(store / name) for name in _KEPT), str(part)])
        for database in store.rglob("*.db"):
            copy = part / database.relative_to(store)
            if copy.exists():  # written in place, unlike all else
                copy.unlink()
                shutil.copy2(database, copy)
    part.rename(target)
