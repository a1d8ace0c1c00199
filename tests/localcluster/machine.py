"""Checks what a cluster needs from the machine, and installs it. Each error is one sentence that says what to do."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from .paths import cache
from .say import CannotRun, say

_CGROUPS = Path("/sys/fs/cgroup")
_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_NEEDED_INSTANCES = 1024
"""Two clusters together use more than the usual 128: what watches files in their pods then fails."""
_ENGINE = "install Docker (https://docs.docker.com/engine/install)"
_SYS_RESOURCE = 24


def check(private: bool) -> None:
    """Raises CannotRun with the first thing that the machine lacks; ``private``: no Docker engine answers on it."""
    if platform.system() != "Linux":
        raise CannotRun(
            f"The cluster runs on Linux, because tests enter its network, and this is {platform.system()}: use a Linux"
            " machine, or install Modelyard on a cluster that you have (docs/getting-started/your-cluster.md)."
        )
    if private:
        refuse(os.geteuid(), bool(shutil.which("apt-get")))
    _raise_instances()


def refuse(uid: int, debian: bool) -> None:
    """Raises CannotRun if a machine with these properties, where no Docker engine answers, can't run a private one."""
    if not debian:
        raise CannotRun(
            f"No Docker engine answers 'docker info', and this is no Debian or Ubuntu: {_ENGINE}, and start it."
        )
    if uid != 0:
        raise CannotRun(
            f"No Docker engine answers 'docker info' to uid {uid}: {_ENGINE} and join the group docker, or run this as"
            " root, which starts an engine of its own."
        )


def tell_cgroups() -> None:
    """Says what version of cgroups the machine has where it is the old one."""
    if _CGROUPS.exists() and not (_CGROUPS / "cgroup.controllers").exists():
        say("this machine has version 1 of cgroups: it works, and a later release of kind will want version 2")


def check_space(needed: int, why: str) -> None:
    """Raises CannotRun unless that many GB are free on the cache's disk."""
    if (free := _free_gb(cache())) < needed:
        raise CannotRun(
            f"{free:.0f} GB are free and {why} may take {needed} GB: free some space, or set MODELYARD_CACHE (and"
            " GOCACHE, GOMODCACHE) to a folder on a larger disk."
        )


def _free_gb(folder: Path) -> float:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9


def _raise_instances() -> None:
    if not _INSTANCES.exists() or (now := int(_INSTANCES.read_text())) >= _NEEDED_INSTANCES:
        return
    setting = f"fs.inotify.max_user_instances={_NEEDED_INSTANCES}"
    try:
        _INSTANCES.write_text(str(_NEEDED_INSTANCES))
        say(f"raised fs.inotify.max_user_instances from {now} to {_NEEDED_INSTANCES} until the machine restarts")
    except OSError:
        say(f"warning: fs.inotify.max_user_instances is {now}, too few for two clusters: 'sudo sysctl -w {setting}'")


def has_sys_resource() -> bool:
    """Returns whether processes of this machine may have the capability SYS_RESOURCE, which containers ask for."""
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next(line for line in lines if line.startswith("CapBnd:"))
    return bool(int(bounding.split()[1], 16) >> _SYS_RESOURCE & 1)


def install(*packages: str) -> None:
    """Installs the lacking packages with apt-get. Raises CannotRun if that fails."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *packages]
    lines = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    lacking = {*packages} - {line.split()[0] for line in lines if line.split()[1:2] == ["ii"]}
    if lacking:
        _shown(["apt-get", "update", "-q"])
        known = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()
        _shown(
            ["apt-get", "install", "-q", "-y", "--no-remove", "--no-install-recommends", *sorted(lacking & {*known})]
        )


def install_engine() -> None:
    """Installs Docker's package without its service, and what a private engine needs besides. Raises CannotRun."""
    if not shutil.which("dockerd"):
        if Path("/run/systemd/system").exists():  # the package would start an engine of its own on the usual socket
            services = ["docker.service", "docker.socket", "containerd.service"]
            _shown(["systemctl", "mask", *services])
            say(f"'systemctl unmask {' '.join(services)}' makes Docker a service of the machine")
        install("docker.io", "docker-cli", "docker-buildx")  # the latter two are packages in some releases only
    if not shutil.which("slirp4netns"):
        install("slirp4netns", "iproute2", "iptables")


def _shown(argv: list[str]) -> None:
    say("$ " + " ".join(argv))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False).returncode:
        raise CannotRun(f"'{' '.join(argv)}' failed: mend what it says, and run this again.")
