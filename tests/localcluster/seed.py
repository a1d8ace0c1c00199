"""The seed: one containerd store in the cache with every image unpacked once, from which new nodes start quickly.

A node's blobs are hard links to the seed's, and its layers are links to the seed's folders: containerd changes neither
after their commit, and containers write elsewhere. So the seed keeps older images while there is a node that was made
from it.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import binaries, oci, store
from .config import containerd_toml
from .paths import cache, locked
from .say import CannotRun, run, say, until

_BLOBS = "io.containerd.content.v1.content"
_LAYERS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
_DATABASES = ("io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db")


def _seed() -> Path:
    return cache() / "seed"


@contextlib.contextmanager
def _running() -> Iterator[Path]:
    """Runs a containerd on the seed, and yields its socket. Its own mount and pid namespaces leave nothing behind."""
    folder = _seed()
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "containerd.sock"
    (folder / "containerd.toml").write_text(containerd_toml(folder / "store", folder / "run", socket, None))
    program = binaries.programs()["containerd"].folder() / "containerd"
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [*argv, str(program), "--config", str(folder / "containerd.toml")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until(30, f"the containerd of {folder}", lambda: process.poll() is not None or _answers(socket))
        if process.poll() is not None:
            raise CannotRun(f"The containerd of {folder} ended: {(folder / 'log').read_text()[-500:]}")
        yield socket
    finally:
        if process.poll() is None:
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGTERM)  # lets containerd close its databases
        process.wait(timeout=30)
        shutil.rmtree(folder / "run", ignore_errors=True)


def _answers(socket: Path) -> bool:
    version = store.ctr(socket, "version")
    return socket.exists() and subprocess.run(version, capture_output=True, check=False).returncode == 0


def fill() -> None:
    """Imports the layout's images that the seed lacks."""
    with locked("seed"):
        stamp = _seed() / "images"
        images = "".join(f"{ref} {digest}\n" for ref, digest in sorted(oci.images().items()))
        if stamp.exists() and stamp.read_text() == images:
            return
        say("unpacking images (once for all nodes)")
        with _running() as socket:
            have = store.listed(socket)
            for ref in set(store.outdated(socket)) & set(have):  # a second name keeps the old content alive
                old = f"{ref}-{have[ref].removeprefix('sha256:')[:12]}"
                run(store.ctr(socket, "images", "tag", "--force", ref, old))
            store.bring(socket, "cache")
            if not _nodes():
                for ref in store.listed(socket).keys() - oci.images().keys():
                    run(store.ctr(socket, "images", "rm", "--sync", ref))
        stamp.write_text(images)


def _nodes() -> list[str]:
    """Returns the folders of the existing nodes that were made from the seed."""
    notes = list((_seed() / "nodes").glob("*"))
    for note in notes:
        if not Path(note.read_text()).exists():
            note.unlink()
    return [note.read_text() for note in notes if note.exists()]


def plant(target: Path) -> None:
    """Makes a node's containerd folder from the seed, unless it exists."""
    if target.exists():
        return
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with locked("seed"):
        source = _seed() / "store"
        # Hard links need one file system for both; otherwise the files are copied.
        link = "--link" if os.stat(source).st_dev == os.stat(part).st_dev else "--reflink=auto"
        run(["cp", "-a", link, str(source / _BLOBS), str(part)])
        for layer in (source / _LAYERS).iterdir():
            copy = part / _LAYERS / layer.name
            copy.mkdir(parents=True, mode=0o700)
            (copy / "fs").symlink_to(layer / "fs")
            if (layer / "work").exists():
                (copy / "work").mkdir(mode=0o711)
        for database in _DATABASES:  # copy these, because they are written in place, unlike all other files
            (part / database).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / database, part / database)
        note = _seed() / "nodes" / hashlib.sha256(os.fsencode(target)).hexdigest()[:16]
        note.parent.mkdir(exist_ok=True)
        note.write_text(str(target))
        part.rename(target)
