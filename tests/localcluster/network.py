"""Manages the network namespace of a cluster, outside of which addresses of pods and Services are unreachable."""

import ctypes
import os
import socket
import subprocess
from pathlib import Path

from .config import CONTROL_PLANE_IP, NODES, node_ip
from .record import all_records
from .say import CannotRun, run

_FIRST_PORT, _PORTS = 16443, 100
_CLONE_NEWNET = 0x40000000
_OWN = "/proc/self/ns/net"
_WAY_BACK = "MODELYARD_NETWORK_OUTSIDE"


def path(name: str) -> Path:
    """Returns the handle of the namespace."""
    return Path("/run/netns") / name


def within(name: str, *argv: str) -> list[str]:
    """Returns the command line that runs `argv` in the cluster's network."""
    return ["ip", "netns", "exec", name, *argv]


def create(name: str) -> None:
    """Creates the namespace with the nodes' addresses, unless it exists."""
    if path(name).exists():
        return
    run(["ip", "netns", "add", name])
    # An empty bridge with a fixed MAC carries the nodes' addresses, because not every kernel has the dummy device.
    lines = ["link set lo up", "link add node0 address 02:00:00:00:00:01 type bridge"]
    lines += [f"addr add {ip}/24 dev node0" for ip in (CONTROL_PLANE_IP, *(node_ip(n) for n in NODES))]
    lines += ["link set node0 up", "route add default dev node0"]
    run(within(name, "ip", "-batch", "-"), input="\n".join(lines) + "\n")
    run(within(name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1"))


def delete(name: str) -> None:
    """Removes the namespace if it exists."""
    if path(name).exists():
        run(["ip", "netns", "del", name])


def _is_here(handle: Path) -> bool:
    return handle.exists() and os.stat(handle).st_ino == os.stat(_OWN).st_ino


def entered(name: str) -> bool:
    """Returns whether the calling process is in the cluster's network."""
    return _is_here(path(name))


def _switch(handle: str | Path) -> None:
    try:
        file = os.open(handle, os.O_RDONLY)
    except OSError as problem:
        raise CannotRun(f"{problem}: run this as root, and not from within a cluster's network.") from None
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.setns(file, _CLONE_NEWNET)
    os.close(file)
    if failed:
        raise CannotRun(f"Entering {handle} failed: {os.strerror(ctypes.get_errno())}; it needs root.")


def enter(name: str) -> None:
    """Moves the calling thread, and what it starts, into the cluster's network. Raises CannotRun if that fails."""
    # Keep a handle of the outer network open, and pass its path on to child processes, so that all can leave again.
    way_back = outside()
    if way_back == _OWN:
        way_back = f"/proc/{os.getpid()}/fd/{os.open(_OWN, os.O_RDONLY)}"
    _switch(path(name))
    os.environ[_WAY_BACK] = way_back


def outside() -> str:
    """Returns the handle of the machine's own network, also for a caller that has entered a cluster's."""
    if any(_is_here(path(record.name)) for record in all_records()):
        return os.environ.get(_WAY_BACK, "/proc/1/ns/net")
    return _OWN


def leave() -> None:
    """Moves the calling thread back out of whichever cluster's network it has entered."""
    if (handle := outside()) != _OWN:
        _switch(handle)


def free_port(taken: set[int]) -> int:
    """Returns the first free port of 127.0.0.1 that is not in `taken`. Raises CannotRun if there is none."""
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        if port not in taken and can_listen(port):
            return port
    raise CannotRun(f"No port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} is free on 127.0.0.1 for the API.")


def can_listen(port: int) -> bool:
    """Returns whether the port is free on 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def names() -> set[str]:
    """Returns the names of all named network namespaces."""
    out = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    return {line.split()[0] for line in out.splitlines() if line.strip()}
