"""The Docker engine that runs the nodes: the one that answers, or a private one, which this starts and ends.

The private engine has a network namespace of its own, so nothing of it is on the machine's network. slirp4netns carries
its requests out, for builds, and brings the clusters' APIs to 127.0.0.1.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import machine
from .paths import HERE, cache, locked
from .say import CannotRun, run, say, until

FOLDER = Path("/run/modelyard")
"""The private engine's sockets, and what a reboot empties."""
SOCKET, _FORWARDS = FOLDER / "docker.sock", FOLDER / "slirp.sock"
_NETWORK = Path("/run/netns/modelyard")


@functools.cache
def private() -> bool:
    """Returns whether no engine of the machine's own answers."""
    return os.environ.get("DOCKER_HOST") == f"unix://{SOCKET}" or not _answers(os.environ)


def _answers(environment: dict[str, str] | os._Environ[str]) -> bool:
    program = shutil.which("docker", path=environment.get("PATH"))
    argv = [program or "docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def environment() -> dict[str, str]:
    """Returns the variables with which ``docker`` and ``kind`` use the engine."""
    if not private():
        return {**os.environ, "DOCKER_BUILDKIT": "1"}
    # The package's own client comes first: another one may lack the part that builds images.
    path = f"/usr/bin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_HOST": f"unix://{SOCKET}", "PATH": path}


def docker(*arguments: str, input: str | None = None) -> str:
    """Runs the engine's client and returns its stdout. Raises CannotRun with its stderr."""
    return run(["docker", *arguments], env=environment(), input=input)


def within(argv: Sequence[str]) -> list[str]:
    """Returns the command line that runs ``argv`` where published ports and nodes can be reached."""
    return ["nsenter", f"--net={_NETWORK}", *argv] if private() else list(argv)


def runs() -> bool:
    """Returns whether the engine answers."""
    return not private() or (SOCKET.exists() and _answers(environment()))


def start() -> None:
    """Starts the private engine where one is needed and does not run. Raises CannotRun with what the machine lacks."""
    machine.check(private())
    if not private():
        return
    with locked("engine"):
        machine.install_engine()
        if not _NETWORK.exists():
            run(["ip", "netns", "add", _NETWORK.name])
        run(within(["ip", "link", "set", "lo", "up"]))
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        if not _alive("slirp"):
            _FORWARDS.unlink(missing_ok=True)
            options = ["--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"]
            _daemon("slirp", ["slirp4netns", *options, "--api-socket", str(_FORWARDS), str(_NETWORK), "tap0"])
        if not runs():
            _start_docker()


def _start_docker() -> None:
    _stop("docker", "TERM/20/KILL/5")
    # What an engine that was killed has left: a second one beside it would fail.
    _stop("exec/containerd/containerd", "TERM/20/KILL/5")
    (FOLDER / "dockerd.pid").unlink(missing_ok=True)
    settings = {
        "hosts": [f"unix://{SOCKET}"],
        "data-root": str(cache() / "engine"),
        "exec-root": str(FOLDER / "exec"),
        "pidfile": str(FOLDER / "dockerd.pid"),
        "live-restore": True,  # nodes outlive their engine
        "log-level": "warn",
        "log-opts": {"max-size": "10m"},
    }
    (FOLDER / "docker.json").write_text(json.dumps(settings))
    restricted = [] if machine.has_sys_resource() else [str(HERE / "restricted")]
    path = ":".join([*restricted, environment()["PATH"]])
    _daemon("docker", within(["env", f"PATH={path}", "dockerd", "--config-file", str(FOLDER / "docker.json")]))
    log = FOLDER / "docker.log"
    until(60, f"the Docker engine (its log: {log})", lambda: runs() or not _alive("docker"))
    if not _alive("docker"):
        raise CannotRun(f"The Docker engine ended: {log.read_text()[-1000:]}")


def _daemon(name: str, argv: list[str]) -> None:
    program = shutil.which(argv[0]) or argv[0]
    where = ["--make-pidfile", "--pidfile", str(FOLDER / f"{name}.pid"), "--output", str(FOLDER / f"{name}.log")]
    run(["start-stop-daemon", "--start", "--background", *where, "--startas", program, "--", *argv[1:]])


def _stop(name: str, schedule: str) -> None:
    """Ends a daemon by these signals and seconds of waiting, and returns when it is gone."""
    where = ["--oknodo", "--remove-pidfile", "--pidfile", str(FOLDER / f"{name}.pid")]
    if (FOLDER / f"{name}.pid").exists():
        run(["start-stop-daemon", "--stop", "--retry", schedule, *where])


def _alive(name: str) -> bool:
    argv = ["start-stop-daemon", "--status", "--pidfile", str(FOLDER / f"{name}.pid")]
    return subprocess.run(argv, check=False).returncode == 0


def forwarded() -> dict[int, int]:
    """Returns the ports of 127.0.0.1 that lead to the private engine's containers -> slirp4netns' number of each."""
    if not private() or not _alive("slirp"):
        return {}
    return {int(entry["host_port"]): int(entry["id"]) for entry in _ask("list_hostfwd")["entries"]}


def forward(port: int) -> None:
    """Brings a published port to 127.0.0.1 of the machine. Raises CannotRun if it is taken."""
    if private() and port not in forwarded():
        where = {"proto": "tcp", "host_addr": "127.0.0.1", "host_port": port, "guest_port": port}
        if problem := _ask("add_hostfwd", where).get("error"):
            raise CannotRun(f"Port {port} of 127.0.0.1 can't be used: {problem.get('desc')}; end what listens there.")


def forget(port: int) -> None:
    """Undoes ``forward``."""
    if number := forwarded().get(port):
        _ask("remove_hostfwd", {"id": number})


def _ask(command: str, arguments: dict[str, object] | None = None) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as client:
        until(10, "slirp4netns", _FORWARDS.exists)
        client.connect(str(_FORWARDS))
        client.sendall(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
        client.shutdown(socket.SHUT_WR)
        answer = json.loads(client.makefile().read())
    return dict(answer.get("return", answer))


def kill() -> None:
    """Kills the private engine alone, as a crash would; its containers run on."""
    _stop("docker", "KILL/20")


def end() -> None:
    """Ends the private engine with all its containers; the images stay in the cache."""
    if not private() or not FOLDER.exists():
        return
    with locked("engine"):
        if not runs():
            _start_docker()  # only an engine can remove what a killed one has left
        if containers := docker("ps", "--all", "--quiet").split():
            docker("rm", "--force", "--volumes", *containers)
        docker("network", "prune", "--force")
        say("ending the private Docker engine; its images stay in the cache")
        for name in ("docker", "slirp"):
            _stop(name, "TERM/20/KILL/5")
        run(["ip", "netns", "del", _NETWORK.name])
        shutil.rmtree(FOLDER)
        for folder in Path("/sys/fs/cgroup").glob("**/docker"):
            with contextlib.suppress(OSError):
                folder.rmdir()
