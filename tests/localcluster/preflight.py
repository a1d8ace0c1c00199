"""Checks what the embedded cluster needs from the machine. Each error is one sentence that says what to do."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from . import binaries
from .paths import cache, states
from .say import CannotRun, say

# Measured: Go's caches need 12 GB, the programs 0.4; images with buildah's layers and two nodes' copies the rest.
COLD_GB = 25
WARM_GB = 8
# Debian package -> a file of the package that the cluster uses.
PACKAGES = {
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "/usr/sbin/iptables",
    "conntrack": "/usr/sbin/conntrack",
    "iproute2": "/sbin/ip",
    "openssl": "/usr/bin/openssl",
    "socat": "/usr/bin/socat",
    "busybox-static": "/bin/busybox",
    "buildah": "/usr/bin/buildah",
    "mmdebstrap": "/usr/bin/mmdebstrap",
}
_ELSE = "or install Docker and kind (--provider kind), or use a cluster you have (--provider current)"


def check(system: str, uid: int, free_gb: float, cold: bool) -> None:
    """Raises CannotRun if a machine with these properties can't run the embedded cluster."""
    if system != "Linux":
        raise CannotRun(f"The embedded cluster runs on Linux only, this is {system}: use a Linux machine, {_ELSE}.")
    if uid != 0:
        raise CannotRun(
            f"The embedded cluster needs root for its namespaces, this is uid {uid}: run it again with sudo, {_ELSE}."
        )
    _check_free(free_gb, *((COLD_GB, "the first build") if cold else (WARM_GB, "the nodes and their images")))


def check_space(needed: int, why: str) -> None:
    """Raises CannotRun unless that many GB are free on the cache's disk."""
    _check_free(_free_gb(cache()), needed, why)


def _check_free(free_gb: float, needed: int, why: str) -> None:
    if free_gb < needed:
        raise CannotRun(
            f"{free_gb:.0f} GB are free and {why} may take {needed} GB: free some space, or set MODELYARD_CACHE and"
            " MODELYARD_STATE (and GOCACHE, GOMODCACHE) to folders on a larger disk."
        )


def check_machine() -> None:
    """Checks this machine. Raises CannotRun with the first thing it lacks."""
    # Check the system before the disk: more disk is no use on a machine that can't run the cluster anyway.
    system, uid, cold = platform.system(), getattr(os, "geteuid", lambda: -1)(), bool(binaries.missing())
    check(system, uid, min(_free_gb(cache()), _free_gb(states())), cold)
    if cold:
        binaries.check_go()


def _free_gb(folder: Path) -> float:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9


def lacking() -> list[str]:
    """Returns the needed Debian packages that are not installed."""
    if shutil.which("dpkg-query"):
        # Check the package, not the file: plain `busybox` has the same path but is linked dynamically.
        query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *PACKAGES]
        lines = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
        installed = {line.split()[0] for line in lines if line.split()[1:2] == ["ii"]}
        return [package for package in PACKAGES if package not in installed]
    return [package for package, path in PACKAGES.items() if not os.path.exists(path)]


def install_packages() -> None:
    """Installs the lacking packages with apt-get, and shows its output. Raises CannotRun if that is impossible."""
    packages = lacking()
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise CannotRun(
            f"These are not installed: {', '.join(packages)} (names of Debian packages). This system has no apt-get:"
            " install what they are called here and run this again."
        )
    for argv in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]):
        say("$ " + " ".join(argv))
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False).returncode:
            raise CannotRun(f"'{' '.join(argv)}' failed; install these by hand: {', '.join(packages)}.")
