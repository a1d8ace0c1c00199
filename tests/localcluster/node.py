"""Starts and stops the nodes of a cluster; stopping a node is like a loss of power."""

import contextlib
import json
import os
import select
import signal
import subprocess
from pathlib import Path

from . import cgroups, network
from .paths import HERE, VOLUMES_IN_NODE
from .say import CannotRun

# A node mounts its own folders over these paths, in its own mount namespace; the host has only empty folders there.
_MOUNT_POINTS = ("/var/lib/kubelet", "/var/lib/cni", "/run/containerd", VOLUMES_IN_NODE)
# Enters every control group, and then executes the node.
_ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"'


def _record(folder: Path, n: int) -> Path:
    return folder / str(n) / "process.json"


def _started_at(pid: int) -> str | None:
    """Returns the start time of a living process in clock ticks; with the pid it identifies a process uniquely."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def pid(folder: Path, n: int) -> int | None:
    """Returns the pid of the process that holds node n of the cluster in `folder`, or None if the node doesn't run."""
    try:
        record = json.loads(_record(folder, n).read_text())
    except (OSError, ValueError):
        return None
    return record["pid"] if _started_at(record["pid"]) == record["started"] else None


def start(folder: Path, name: str, n: int) -> None:
    """Starts node n unless it runs; returns at once."""
    if pid(folder, n):
        return
    _forget(folder, n)
    (folder / str(n) / "log").mkdir(parents=True, exist_ok=True)
    for point in _MOUNT_POINTS:
        os.makedirs(point, exist_ok=True)
    groups = cgroups.create(f"{name}-{n}")
    _write(folder, n, {"pid": 0, "started": "", "groups": groups})
    # The relay of the API needs a handle of the network outside of the cluster's.
    outside = os.open(network.outside(), os.O_RDONLY)
    try:
        with open(folder / str(n) / "log/node.log", "a") as log:
            process = subprocess.Popen(
                [
                    *("sh", "-c", _ENTER, "sh", *groups, "--"),
                    *network.within(name, "unshare", "--cgroup", "--mount", "--pid", "--fork", "--kill-child"),
                    *("--mount-proc", str(HERE / "node.sh"), str(folder), str(n)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Without a session of its own an interrupt of the caller would reach the daemons.
                start_new_session=True,
                pass_fds=[outside],
                env={**os.environ, "OUTSIDE": str(outside), "CGROUP_VERSION": str(cgroups.version())},
            )
    finally:
        os.close(outside)
    _write(folder, n, {"pid": process.pid, "started": _started_at(process.pid) or "", "groups": groups})
    process.returncode = 0  # the node outlives this process: avoid Popen's warning that it still runs


def stop(folder: Path, n: int) -> None:
    """Kills process 1 of node n, and with it every process and mount of the node at once."""
    holder = pid(folder, n)
    if holder:
        watch = os.pidfd_open(holder)
        # Kill the child of `unshare`, which ends only when every process of the namespace is gone.
        children = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()
        for child in children or [str(holder)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        gone = select.select([watch], [], [], 60)[0]
        os.close(watch)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(holder, os.WNOHANG)
        if not gone:
            raise CannotRun(f"Node {n} (pid {holder}) does not end; look for its processes in state D with 'ps'.")
    _forget(folder, n)


def _forget(folder: Path, n: int) -> None:
    record = _record(folder, n)
    if record.exists():
        with contextlib.suppress(ValueError):
            cgroups.remove(json.loads(record.read_text())["groups"])
        record.unlink()


def _write(folder: Path, n: int, record: dict[str, object]) -> None:
    part = _record(folder, n).with_suffix(".part")
    part.write_text(json.dumps(record))
    part.replace(_record(folder, n))


def remove_mount_points() -> None:
    """Removes the empty folders of the mount points, unless a node of any cluster still uses them."""
    # Removing a mount point would unmount it in every namespace that has something mounted there.
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            if f" {VOLUMES_IN_NODE} " in mounts.read_text():
                return
    for point in (*_MOUNT_POINTS, str(Path(VOLUMES_IN_NODE).parent)):
        with contextlib.suppress(OSError):  # a folder with content is not ours
            os.rmdir(point)
