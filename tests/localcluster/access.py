"""The functions by which tests, the demo and benchmarks use a cluster."""

import ctypes
import os
import threading
from pathlib import Path

from tests.common.say import CannotRun, run, until

from . import engine, kind
from .kind import CONTROL_PLANE, container, kubeconfig

_CLONE_NEWNET = 0x40000000
_OWN = "/proc/self/ns/net"
_WAY_BACK = "MODELYARD_NETWORK_OUTSIDE"


def enter(name: str) -> None:
    """Moves the calling process into the network of the control plane, where pods and Services can be reached.

    Call it from the main thread before any other is started, because a thread keeps the network it was created in. The
    kubeconfig is the same inside. Raises CannotRun if the cluster does not run, or if other threads do.
    """
    kind.require(name)
    handle = f"/proc/{kind.process(name, CONTROL_PLANE)}/ns/net"
    if os.geteuid():
        raise CannotRun("Entering the network of a cluster needs root, on the machine of the Docker engine: use sudo.")
    if not Path(handle).exists():
        raise CannotRun(f"The cluster {name} does not run: 'python3 -m tests.localcluster up --name {name}'.")
    if os.stat(handle).st_ino == os.stat(_OWN).st_ino:
        return
    if threading.active_count() > 1:
        raise CannotRun(f"enter({name!r}) has to be called before any thread is started.")
    # Keep a handle of the outer network open, and pass its path on to child processes, so that all can leave again.
    way_back = os.environ.get(_WAY_BACK) or f"/proc/{os.getpid()}/fd/{os.open(_OWN, os.O_RDONLY)}"
    _switch(handle)
    os.environ[_WAY_BACK] = way_back


def outside() -> str:
    """Returns the handle of the machine's own network, also for a caller that has entered a cluster's."""
    return os.environ.get(_WAY_BACK, _OWN)


def leave() -> None:
    """Moves the calling thread back out of whichever cluster's network it has entered."""
    if (handle := outside()) != _OWN:
        _switch(handle)
        del os.environ[_WAY_BACK]


def _switch(handle: str) -> None:
    try:
        file = os.open(handle, os.O_RDONLY)
    except OSError as problem:
        raise CannotRun(f"{problem}: run this as root, on the machine of the Docker engine.") from None
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.setns(file, _CLONE_NEWNET)
    os.close(file)
    if failed:
        raise CannotRun(f"Entering {handle} failed: {os.strerror(ctypes.get_errno())}; it needs root.")


def address(name: str) -> str:
    """Returns the address in the cluster's network at which pods reach a server of a process that has entered it."""
    form = "{{.NetworkSettings.Networks.kind.IPAddress}}"
    return engine.docker("inspect", "--format", form, container(name, CONTROL_PLANE)).strip()


def kubectl(name: str, *arguments: str, input: str | None = None) -> str:
    """Runs kubectl on the cluster and returns its stdout. Raises CannotRun with its stderr if it fails."""
    return run([*kubectl_command(name), *arguments], input=input)


def kubectl_command(name: str) -> list[str]:
    """Returns the beginning of a command line of kubectl on the cluster. Raises CannotRun if there is none."""
    return [*kind.kubectl_program(), "--kubeconfig", str(kubeconfig(name))]


def wait(name: str, what: str, condition: str, *arguments: str, seconds: int = 60) -> None:
    """Runs `kubectl wait --for=<condition> <what>`. Raises CannotRun after `seconds`."""
    kubectl(name, "wait", f"--for={condition}", what, f"--timeout={seconds}s", *arguments)


def node_stop(name: str, n: int) -> None:
    """Cuts the power of node n (0 is the control plane); returns when all its processes are gone."""
    engine.docker("kill", container(name, n))


def node_start(name: str, n: int) -> None:
    """Starts node n again, and waits until it (or the API) is Ready. Raises CannotRun after two minutes."""
    # A node stays Ready until Kubernetes notices its loss, so only a new heartbeat shows that it is back.
    node, form = container(name, n), "jsonpath={.spec.renewTime}"
    heartbeat = ["get", "lease", node, "-n", "kube-node-lease", "-o", form]
    before = _try(name, *heartbeat) if n != CONTROL_PLANE else ""
    engine.docker("start", node)
    if n == CONTROL_PLANE:
        kind.open_api(name)
        until(120, f"the API of {name}", lambda: "ok" in _try(name, "get", "--raw", "/readyz"))
    else:
        until(120, f"a heartbeat of {node}", lambda: _try(name, *heartbeat) > before)
        wait(name, f"node/{node}", "condition=Ready", seconds=120)


def _try(name: str, *arguments: str) -> str:
    try:
        return kubectl(name, *arguments)
    except CannotRun:
        return ""
