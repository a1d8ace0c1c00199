"""The functions by which tests, the demo and benchmarks use a cluster."""

import threading
from collections.abc import Callable
from pathlib import Path

from . import binaries, dns, network, providers
from .config import CONTROL_PLANE
from .embedded import Embedded
from .paths import locked
from .say import CannotRun, run, until


def _provider(name: str) -> providers.Provider:
    return providers.pick(name, "auto")


def enter(name: str) -> None:
    """Moves the calling process into the cluster's network, where addresses of pods and Services can be reached.

    Call it from the main thread before any other is started, because a thread keeps the network it was created in. The
    kubeconfig is the same inside. Other providers have no such network: with them nothing happens. Raises CannotRun if
    the cluster does not run, or if other threads do.
    """
    if not isinstance(_provider(name), Embedded):
        return
    if not network.path(name).exists():
        raise CannotRun(f"The cluster {name} does not run: 'python3 -m tests.localcluster up --name {name}'.")
    if network.entered(name):
        return
    if threading.active_count() > 1:
        raise CannotRun(f"enter({name!r}) has to be called before any thread is started.")
    network.enter(name)


def kubeconfig(name: str) -> Path:
    """Returns the admin's kubeconfig, which works inside and outside of the cluster's network. Raises CannotRun."""
    file = _provider(name).environment().get("KUBECONFIG")
    if not file or not Path(file).exists():
        raise CannotRun(f"There is no cluster {name}: 'python3 -m tests.localcluster up --name {name}'.")
    return Path(file)


def kubectl(name: str, *arguments: str, input: str | None = None) -> str:
    """Runs kubectl on the cluster and returns its stdout. Raises CannotRun with its stderr if it fails."""
    return run([*kubectl_command(name), *arguments], input=input)


def kubectl_command(name: str) -> list[str]:
    """Returns the beginning of a command line of kubectl on the cluster. Raises CannotRun if there is none."""
    built = binaries.programs()["hyperkube"].folder() / "kubectl"
    return [str(built) if built.exists() else "kubectl", "--kubeconfig", str(kubeconfig(name))]


def wait(name: str, what: str, condition: str, *arguments: str, seconds: int = 60) -> None:
    """Runs `kubectl wait --for=<condition> <what>`. Raises CannotRun after `seconds`."""
    kubectl(name, "wait", f"--for={condition}", what, f"--timeout={seconds}s", *arguments)


def wait_until(seconds: float, what: str, check: Callable[[], object], every: float = 0.2) -> None:
    """Polls until `check` returns something true. Raises CannotRun naming `what` after `seconds`."""
    until(seconds, what, check, every)


def resolve(host: str, seconds: float = 10) -> str:
    """Returns the address of a full cluster name (`server.ns.svc.cluster.local`). Works only after `enter`.

    Raises CannotRun.
    """
    addresses: list[str] = []

    def ask() -> list[str]:
        try:
            addresses[:] = dns.resolve(host)
        except OSError:
            return []
        return addresses

    until(seconds, f"the address of {host}", ask)
    return addresses[0]


def node_stop(name: str, n: int) -> None:
    """Cuts the power of node n (0 is the control plane); returns when all its processes are gone."""
    with locked(f"cluster-{name}"):
        _provider(name).stop(n)


def node_start(name: str, n: int) -> None:
    """Starts node n again, and waits until it (or the API) is Ready. Raises CannotRun after two minutes."""
    # A node stays Ready until Kubernetes notices its loss, so only a new heartbeat shows that it is back.
    before = _heartbeat(name, n) if n != CONTROL_PLANE else ""
    with locked(f"cluster-{name}"):
        _provider(name).start(n)
    if n == CONTROL_PLANE:
        until(120, f"the API of {name}", lambda: "ok" in _try(name, "get", "--raw", "/readyz"))
    else:
        until(120, f"a heartbeat of node {n} of {name}", lambda: _heartbeat(name, n) > before)
        wait(name, f"node/{node_object(name, n)}", "condition=Ready", seconds=120)


def _heartbeat(name: str, n: int) -> str:
    lease = ["get", "lease", node_object(name, n), "-n", "kube-node-lease", "-o", "jsonpath={.spec.renewTime}"]
    return _try(name, *lease)


def node_object(name: str, n: int) -> str:
    """Returns the name of the Node object of node n (1 or 2)."""
    nodes = _provider(name).status()["nodes"]
    return str(next(node["name"] for node in nodes if node["number"] == n))


def _try(name: str, *arguments: str) -> str:
    try:
        return kubectl(name, *arguments)
    except CannotRun:
        return ""


def containerd_socket(name: str, n: int) -> Path:
    """Returns the socket of the containerd on node n of an embedded cluster."""
    return Embedded(name).socket(n)
