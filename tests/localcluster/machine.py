"""Checks what a cluster needs from the machine, and installs it. Each error is one sentence that says what to do."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.common.paths import cache
from tests.common.say import CannotRun, say

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_NEEDED_INSTANCES = 1024
"""Two clusters together use more than the usual 128: what watches files in their pods then fails."""
_SYS_RESOURCE = 24


def check(private: bool) -> None:
    """Raises CannotRun with the first thing that the machine lacks; ``private``: no Docker engine answers on it."""
    if platform.system() != "Linux":
        raise CannotRun(
            f"The cluster runs on Linux, because tests enter its network, and this is {platform.system()}: use a Linux"
            " machine, or install Modelyard on a cluster that you have (docs/getting-started/your-cluster.md)."
        )
    install_docker = "install Docker (https://docs.docker.com/engine/install)"
    if private and not shutil.which("apt-get"):
        raise CannotRun(
            f"No Docker engine answers 'docker info', and this is no Debian or Ubuntu: {install_docker}, and start it."
        )
    if private and (uid := os.geteuid()):
        raise CannotRun(
            f"No Docker engine answers 'docker info' to uid {uid}: {install_docker} and join the group docker, or run"
            " this as root, which starts an engine of its own."
        )
    if _INSTANCES.exists():
        _raise_instances(int(_INSTANCES.read_text()))


def check_space(needed: int, why: str) -> None:
    """Raises CannotRun unless that many GB are free on the cache's disk."""
    cache().mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(cache()).free / 1e9) < needed:
        raise CannotRun(
            f"{free:.0f} GB are free and {why} may take {needed} GB: free some space, or set MODELYARD_CACHE (and"
            " GOCACHE, GOMODCACHE) to a folder on a larger disk."
        )


def _raise_instances(now: int) -> None:
    limit = "fs.inotify.max_user_instances"
    if now < _NEEDED_INSTANCES:
        try:
            _INSTANCES.write_text(str(_NEEDED_INSTANCES))
            say(f"raised {limit} from {now} to {_NEEDED_INSTANCES} until the machine restarts")
        except OSError:
            say(f"warning: {limit} is {now}, too few for two clusters: 'sudo sysctl -w {limit}={_NEEDED_INSTANCES}'")


def has_sys_resource() -> bool:
    """Returns whether processes of this machine may have the capability SYS_RESOURCE, which containers ask for."""
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next(line for line in lines if line.startswith("CapBnd:"))
    return bool(int(bounding.split()[1], 16) >> _SYS_RESOURCE & 1)


def install(program: str, *packages: str) -> None:
    """Installs those of the packages that the release has with apt-get, unless the machine has the program."""
    if not shutil.which(program):
        _shown(["apt-get", "update", "-q"])
        known = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()
        chosen = [name for name in packages if name in known]
        _shown(["apt-get", "install", "-q", "-y", "--no-remove", "--no-install-recommends", *chosen])


def install_engine() -> None:
    """Installs Docker's package without its service, and what a private engine needs besides. Raises CannotRun."""
    if not shutil.which("dockerd") and Path("/run/systemd/system").exists():
        # The package would start an engine of its own on the usual socket.
        services = ["docker.service", "docker.socket", "containerd.service"]
        _shown(["systemctl", "mask", *services])
        say(f"'systemctl unmask {' '.join(services)}' makes Docker a service of the machine")
    install("dockerd", "docker.io", "docker-cli", "docker-buildx")  # the latter two are in some releases only
    install("slirp4netns", "slirp4netns", "iproute2", "iptables")


def _shown(argv: list[str]) -> None:
    say("$ " + " ".join(argv))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False).returncode:
        raise CannotRun(f"'{' '.join(argv)}' failed: mend what it says, and run this again.")
