"""The Docker engine that runs the nodes: the one that answers, or a private one, which this starts and ends.

The private engine has a network namespace of its own, so nothing of it is on the machine's network. slirp4netns carries
its requests out, for builds, and brings the clusters' APIs to 127.0.0.1.
"""

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import socket
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tests.common.paths import cache, locked
from tests.common.say import CannotRun, run, run_slow, say, until

from . import machine
from .paths import HERE

FOLDER = Path("/run/modelyard")
"""The private engine's sockets, and what a reboot empties."""
SOCKET, _FORWARDS = FOLDER / "docker.sock", FOLDER / "slirp.sock"
_LOCKS = Path("/run/lock")
_NETWORK = Path("/run/netns/modelyard")
_BUILDS = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}  # attestations would change an image's id
_users: list[IO[str]] = []
"""The open file by whose lock this process tells others that it uses the engine, until it ends."""


@functools.cache
def private() -> bool:
    """Returns whether the engine is a private one, because none of the machine's own answers. Raises CannotRun."""
    host = os.environ.get("DOCKER_HOST")
    if FOLDER.exists() or host == f"unix://{SOCKET}":
        return True
    answers = _answers(os.environ)
    if host and not answers:
        raise CannotRun(f"No Docker engine answers at DOCKER_HOST, which is {host}: start it, or unset the variable.")
    return not answers


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
        return {**os.environ, **_BUILDS}
    # The package's own client comes first: another one may lack the part that builds images.
    path = f"/usr/bin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return {**os.environ, **_BUILDS, "DOCKER_HOST": f"unix://{SOCKET}", "PATH": path}


def docker(*arguments: str, input: str | None = None) -> str:
    """Runs the engine's client and returns its stdout. Raises CannotRun with its stderr."""
    return run(["docker", *arguments], env=environment(), input=input)


def build(tag: str, recipe: Path, context: Path, *flags: str, quiet: float = 0) -> None:
    """Builds an image, with progress where that takes more than ``quiet`` seconds. Raises CannotRun."""
    what = tag.rpartition("/")[2].partition(":")[0]
    argv = ["docker", "build", *flags, "--file", str(recipe), "--tag", tag, str(context)]
    run_slow(what, argv, cache() / f"log/image-{what}.log", env=environment(), quiet=quiet)


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
    with locked("modelyard-engine", _LOCKS):
        _start()


def _start() -> None:
    if not _users:
        _users.append((_LOCKS / "modelyard-engine-users").open("w"))
        fcntl.flock(_users[0], fcntl.LOCK_SH)
    machine.install_engine()
    if not _NETWORK.exists():
        run(["ip", "netns", "add", _NETWORK.name])
    run(within(["ip", "link", "set", "lo", "up"]))
    # Pods shall not ask for the credentials that a cloud gives to this machine.
    run(within(["ip", "route", "replace", "unreachable", "169.254.0.0/16"]))
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    if not _alive("slirp"):
        _FORWARDS.unlink(missing_ok=True)
        options = ["--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"]
        _daemon("slirp", ["slirp4netns", *options, "--api-socket", str(_FORWARDS), str(_NETWORK), "tap0"])
        until(10, f"slirp4netns (its log: {FOLDER / 'slirp.log'})", _FORWARDS.exists)
        if re.search(r"^nameserver 127\.", Path("/etc/resolv.conf").read_text(), re.M):
            _lead_names_out()
    if not runs():
        _start_docker()


def _lead_names_out() -> None:
    """Sends the engine's requests for names to slirp4netns, where the machine's resolver is on its loopback alone."""
    run(within(["sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"]))
    for protocol in ("udp", "tcp"):
        port = ["-d", "127.0.0.0/8", "-p", protocol, "--dport", "53"]
        run(within(["iptables", "-t", "nat", "-A", "OUTPUT", *port, "-j", "DNAT", "--to-destination", "10.0.2.3:53"]))
    run(within(["iptables", "-t", "nat", "-A", "POSTROUTING", "-d", "10.0.2.3", "-j", "MASQUERADE"]))


def _start_docker() -> None:
    _stop("docker", "dockerd")
    # What an engine that was killed has left: a second one beside it would fail.
    _stop("exec/containerd/containerd", "containerd")
    (FOLDER / "dockerd.pid").unlink(missing_ok=True)
    # Its live-restore lets nodes outlive their engine.
    settings = string.Template((HERE / "docker.json").read_text()).substitute(folder=FOLDER, data=cache() / "engine")
    (FOLDER / "docker.json").write_text(settings)
    path = environment()["PATH"]
    if not machine.has_sys_resource():  # a copy, because the engine outlives a checkout
        path = f"{shutil.copytree(HERE / 'restricted', FOLDER / 'restricted', dirs_exist_ok=True)}:{path}"
    _daemon("docker", within(["env", f"PATH={path}", "dockerd", "--config-file", str(FOLDER / "docker.json")]))
    log = FOLDER / "docker.log"
    until(60, f"the Docker engine (its log: {log})", lambda: runs() or not _alive("docker"))
    if not _alive("docker"):
        raise CannotRun(f"The Docker engine ended: {log.read_text()[-1000:]}")
    # A Service or a pod that a node does not know yet shall not be looked for outside.
    for addresses in ("10.96.0.0/16", "10.244.0.0/16"):
        way_out = ["-i", "br-+", "-o", "tap0", "-d", addresses]
        run(within(["iptables", "-I", "DOCKER-USER", *way_out, "-j", "REJECT"]))
    for node in docker("ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster").split():
        docker("exec", node, "sh", "-ec", (HERE / "node/names.sh").read_text())


def _daemon(name: str, argv: list[str]) -> None:
    program = shutil.which(argv[0]) or argv[0]
    where = ["--make-pidfile", "--pidfile", str(FOLDER / f"{name}.pid"), "--output", str(FOLDER / f"{name}.log")]
    run(["start-stop-daemon", "--start", "--background", *where, "--startas", program, "--", *argv[1:]])


def _stop(name: str, program: str) -> None:
    """Ends a daemon, and returns when it is gone."""
    if (file := FOLDER / f"{name}.pid").exists():
        how = ["--retry", "TERM/20/KILL/5", "--oknodo", "--remove-pidfile"]
        run(["start-stop-daemon", "--stop", *how, "--pidfile", str(file), "--name", program])


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
        client.connect(str(_FORWARDS))
        client.sendall(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
        client.shutdown(socket.SHUT_WR)
        answer = json.loads(client.makefile().read())
    return dict(answer.get("return", answer))


def end() -> None:
    """Ends the private engine with all its containers, unless others use it; the images stay in the cache."""
    if not private():
        return
    with locked("modelyard-engine", _LOCKS):
        _start()  # only an engine can remove what a killed one has left
        try:
            fcntl.flock(_users[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("the private Docker engine stays, because another command uses it")
            return
        say("ending the private Docker engine; its images stay in the cache")
        if containers := docker("ps", "--all", "--quiet").split():
            docker("rm", "--force", "--volumes", *containers)
        docker("network", "prune", "--force")
        _stop("docker", "dockerd")
        _stop("slirp", "slirp4netns")
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            mounted = Path(line.split()[4])
            if any(mounted.is_relative_to(own) for own in (FOLDER, cache() / "engine")):
                subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True, check=False)
        run(["ip", "netns", "del", _NETWORK.name])
        shutil.rmtree(FOLDER)
        groups = [*Path("/sys/fs/cgroup").glob("**/docker/buildkit"), *Path("/sys/fs/cgroup").glob("**/docker")]
        for made in (*groups, *map(Path, ("/lib/modules", "/run/docker/plugins", "/run/docker"))):
            with contextlib.suppress(OSError):  # what others use is not empty
                made.rmdir()
