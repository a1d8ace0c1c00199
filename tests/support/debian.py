"""Unpacks Debian packages into the cache, without installing them: their programs only, no service starts.

``python -m tests.support.debian [--with-dependencies] PACKAGE`` does it from the machine's own network.
"""

import argparse
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.common.paths import cache, locked
from tests.common.say import CannotRun, exit_code, run, say
from tests.localcluster import access


def unpacked(package: str, with_dependencies: bool = False) -> Path:
    """Returns the folder with the files of the package in the release of this machine. Raises CannotRun.

    ``with_dependencies`` adds the files of those that it depends on and the machine lacks.
    """
    name = f"{package}-with-dependencies" if with_dependencies else package
    target = cache() / "debian" / name
    with locked(f"debian-{name}"):
        if not target.exists():
            _unpack(package, target, with_dependencies)
    return target


def libraries(root: Path, *more: str) -> str:
    """Returns LD_LIBRARY_PATH for programs of the unpacked packages; ``more`` are folders beside the usual ones."""
    usual = f"lib/{sysconfig.get_config_var('MULTIARCH')}"
    return ":".join(str(root / folder) for folder in (f"usr/{usual}", usual, *(f"usr/{usual}/{name}" for name in more)))


def _unpack(package: str, target: Path, with_dependencies: bool) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotRun(f"The program of the Debian package {package} is needed, and this system has no apt-get.")
    say(f"downloading the Debian package {package}")
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        script = f"cd {folder} && apt-get download -q {package}"
        if with_dependencies:
            options = f"--download-only --no-install-recommends -o Dir::Cache::archives={folder}"
            script = f"apt-get install -q -y {options} {package}"
        try:
            run(["sh", "-c", script])
        except CannotRun:
            run(["apt-get", "update", "-q"])  # the machine may have no list of packages, or an old one
            run(["sh", "-c", script])
        for file in sorted(Path(folder).glob("*.deb")):
            run(["dpkg-deb", "-x", str(file), str(part)])
    part.rename(target)


def _unpack_all() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.debian", description=__doc__)
    parser.add_argument("--with-dependencies", action="store_true", help="unpack what it needs beside it")
    parser.add_argument("packages", nargs="+", metavar="PACKAGE")
    options = parser.parse_args()
    access.leave()
    for package in options.packages:
        unpacked(package, options.with_dependencies)


if __name__ == "__main__":
    sys.exit(exit_code(_unpack_all))
