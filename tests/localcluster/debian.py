"""Unpacks single Debian packages into the cache, without installing them: their programs only, no service starts.

``python -m tests.localcluster.debian PACKAGE`` does it from the machine's own network.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from . import network
from .paths import cache, locked
from .say import CannotRun, exit_code, run, say


def unpacked(package: str) -> Path:
    """Returns the folder with the files of the package in the release of this machine. Raises CannotRun."""
    target = cache() / "debian" / package
    with locked(f"debian-{package}"):
        if not target.exists():
            _unpack(package, target)
    return target


def _unpack(package: str, target: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotRun(f"The program of the Debian package {package} is needed, and this system has no apt-get.")
    say(f"downloading the Debian package {package}")
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        script = f"cd {folder} && apt-get download -q {package}"
        try:
            run(["sh", "-c", script])
        except CannotRun:
            run(["apt-get", "update", "-q"])  # the machine may have no list of packages, or an old one
            run(["sh", "-c", script])
        (file,) = Path(folder).glob("*.deb")
        run(["dpkg-deb", "-x", str(file), str(part)])
    part.rename(target)


def _unpack_all() -> None:
    network.leave()
    for package in sys.argv[1:]:
        unpacked(package)


if __name__ == "__main__":
    sys.exit(exit_code(_unpack_all))
