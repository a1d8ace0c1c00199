"""The clusters, run by kind in a Docker engine: a control plane with two workers, or with played nodes."""

import os
import shutil
import string
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.common.paths import cache, locked
from tests.common.ports import free_port
from tests.common.say import CannotRun, run, run_slow, say, until

from . import binaries, engine, machine
from .node import image
from .paths import HERE, VOLUMES_IN_NODE, state

# Measured: each of two workers takes 5 for all of the project's images.
CLUSTER_GB, PLAYED_GB = 10, 2
CONTROL_PLANE, WORKERS = 0, (1, 2)
VOLUMES = ("tracking", "data")
"""Volumes of the kind `local` that exist on node 1 from the start."""


def container(name: str, n: int) -> str:
    """Returns the name of node n, which is its container's too (0 is the control plane)."""
    return f"{name}-{('control-plane', 'worker', 'worker2')[n]}"


def kubeconfig(name: str) -> Path:
    """Returns the admin's kubeconfig, which works inside and outside of the cluster's network. Raises CannotRun."""
    require(name)
    return state(name) / "kubeconfig"


def exists(name: str) -> bool:
    """Returns whether the cluster was made, and not removed."""
    return (state(name) / "kind.yaml").exists()


def played(name: str) -> bool:
    """Returns whether the nodes of the cluster are played."""
    return exists(name) and "role: worker" not in (state(name) / "kind.yaml").read_text()


def numbers(name: str) -> tuple[int, ...]:
    """Returns the numbers of the nodes that are containers."""
    return (CONTROL_PLANE,) if played(name) else (CONTROL_PLANE, *WORKERS)


def require(name: str) -> None:
    """Raises CannotRun if there is no such cluster."""
    if not exists(name):
        raise CannotRun(f"There is no cluster {name}: 'python3 -m tests.localcluster up --name {name}'.")


def up(name: str, configuration: str = "cluster.yaml") -> None:
    """Makes the cluster, or starts those of its nodes that do not run, and waits for its API. Raises CannotRun."""
    kubectl = kubectl_program()
    engine.start()
    running = _own_containers(name)
    if (state(name) / "kubeconfig").exists() and running:  # kind writes it last: without it a create was cut off
        if stopped := [each for n in numbers(name) if running.get(each := container(name, n)) != "running"]:
            say(f"starting {', '.join(stopped)}")
            for each in stopped:  # in their order, so that each gets its address back
                engine.docker("start", each)
    else:
        _remove(name)
        _create(name, configuration)
    open_api(name)
    ready = [*kubectl, "--kubeconfig", str(kubeconfig(name)), "get", "--raw", "/readyz", "--request-timeout=5s"]
    until(180, f"the API of {name}", lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0)


def _create(name: str, configuration: str) -> None:
    machine.check_space(PLAYED_GB if configuration == "played/cluster.yaml" else CLUSTER_GB, "the cluster")
    if engine.docker("info", "--format", "{{.CgroupVersion}}").strip() == "1":
        say("this machine has version 1 of cgroups: it works, and a later release of kind will want version 2")
    chosen, folder, volumes, port = image.name(), state(name), state(name) / "volumes", free_port()
    for volume in VOLUMES:
        (volumes / volume).mkdir(parents=True, exist_ok=True)
        (volumes / volume).chmod(0o777)  # any user of a pod may write, with or without fsGroup
    address = _address()
    text = string.Template((HERE / configuration).read_text()).substitute(port=port, address=address, volumes=volumes)
    (folder / "kind.yaml").write_text(text)
    argv = [_kind(), "create", "cluster", "--name", name, "--image", chosen, "--config", str(folder / "kind.yaml")]
    argv += ["--kubeconfig", str(kubeconfig(name))]
    try:
        log = cache() / "log" / f"create-{name}.log"
        run_slow(f"kind create cluster {name}", engine.within(argv), log, env=engine.environment())
    except CannotRun:
        _remove(name)
        raise


def _address() -> str:
    """Returns where kind publishes the API: the private engine's network is its own, so any address there will do."""
    return "0.0.0.0" if engine.private() else "127.0.0.1"


def _kind() -> str:
    """Returns kind, of the version whose images the nodes have; another one is not used."""
    program = shutil.which("kind")
    if program and binaries.KIND_MODULE[1] in run([program, "version"]):
        return program
    return str(binaries.build(binaries.kind()) / "kind")


def kubectl_program() -> list[str]:
    """Returns kubectl: the one on the PATH, unless one is built here or can be. Raises CannotRun if there is none."""
    program = None if binaries.hyperkube().built() else shutil.which("kubectl")
    if not program and not binaries.hyperkube().built() and not shutil.which("go"):
        raise CannotRun("kubectl is not installed: install it (https://kubernetes.io/docs/tasks/tools).")
    return [program or str(binaries.build(binaries.hyperkube()) / "kubectl")]


def _containers(name: str) -> dict[str, str]:
    """Returns the nodes' containers -> their state."""
    if not engine.runs():
        return {}
    label = f"label=io.x-k8s.kind.cluster={name}"
    lines = engine.docker("ps", "--all", "--filter", label, "--format", "{{.Names}} {{.State}}").splitlines()
    return dict(line.split() for line in lines)  # type: ignore[misc]


def open_api(name: str) -> None:
    """Makes the kubeconfig's address valid on the machine, and in the control plane's network that processes enter."""
    port = _port(name)
    engine.forward(port)
    config = ["--kubeconfig", str(kubeconfig(name)), "config", "set-cluster", f"kind-{name}"]
    run([*kubectl_program(), *config, f"--server=https://127.0.0.1:{port}"])
    rule = f"OUTPUT -o lo -d 127.0.0.1 -p tcp --dport {port} -j REDIRECT --to-ports 6443"
    script = f"iptables -t nat -C {rule} 2>/dev/null || iptables -t nat -I {rule}"
    engine.docker("exec", container(name, CONTROL_PLANE), "sh", "-c", script)


def _port(name: str) -> int:
    """Returns the port of the API that kind was asked for."""
    return int(yaml.safe_load((state(name) / "kind.yaml").read_text())["networking"]["apiServerPort"])


def down(name: str) -> None:
    """Removes the cluster, and with the last one the registry and the private engine; the caches stay."""
    with locked(f"cluster-{name}"):
        if exists(name) or engine.FOLDER.exists():
            engine.start()
        _remove(name)
        if engine.runs() and not engine.docker("ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster"):
            engine.docker("rm", "--force", "modelyard-registry")
            engine.end()


def _own_containers(name: str) -> dict[str, str]:
    """Returns the nodes' containers -> their state. Raises CannotRun if they are not ours, or on another engine."""
    found = _containers(name)
    if found and not exists(name):
        raise CannotRun(f"There is a cluster {name} of kind that was not made by this command: choose another name.")
    if exists(name) and f'"{_address()}"' not in (state(name) / "kind.yaml").read_text():
        raise CannotRun(f"The cluster {name} is on a Docker engine that does not answer now: start it first.")
    return found


def _remove(name: str) -> None:
    if left := _own_containers(name):
        engine.forget(_port(name))
        if os.geteuid() and left.get(container(name, 1)) == "running":  # others than root can't remove what pods wrote
            engine.docker("exec", container(name, 1), "sh", "-c", f"rm -rf {VOLUMES_IN_NODE}/*/*")
        engine.docker("rm", "--force", "--volumes", *left)
    shutil.rmtree(state(name), ignore_errors=True)


def on_nodes(name: str, *argv: str) -> dict[str, str]:
    """Runs a command on every worker at once, and returns the node's name -> stdout."""
    with ThreadPoolExecutor() as pool:
        names = [container(name, n) for n in numbers(name) if n != CONTROL_PLANE]
        return dict(zip(names, pool.map(lambda each: engine.docker("exec", each, *argv), names), strict=True))


def process(name: str, n: int, program: str = "") -> int:
    """Returns the pid on this machine of node n's first process, or of a program in it. Raises CannotRun."""
    if not program:
        return int(engine.docker("inspect", "--format", "{{.State.Pid}}", container(name, n)))
    for line in engine.docker("top", container(name, n), "-eo", "pid,comm").splitlines()[1:]:
        pid, _, comm = line.strip().partition(" ")
        if program.startswith(comm.strip()):
            return int(pid)
    raise CannotRun(f"{program} does not run on {container(name, n)}.")


def logs(name: str) -> str:
    """Exports the logs of all nodes, and returns a text with their folder."""
    folder = state(name) / "logs"
    run([_kind(), "export", "logs", str(folder), "--name", name], env=engine.environment())
    return f"exported to {folder}"
