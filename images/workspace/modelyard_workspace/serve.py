"""Process 1 of the pod: recovers what was edited, starts JupyterLab, and recovers again when it has ended."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from typing import IO, NoReturn

from modelyard_workspace.health import HealthServer
from modelyard_workspace.jupyter import command
from modelyard_workspace.places import Places
from modelyard_workspace.recover import unsaved
from modelyard_workspace.say import say
from modelyard_workspace.tokens import hashed

AUTOSAVE_SECONDS = 2.0
"""Time for the server to save what was typed last: it does one second after that. What people type on is recovered."""
STOP_SECONDS = 5.0
"""Time for the server to end, its kernels before it."""
RECOVER_SECONDS = 20.0
"""Time to recover after the end; what is left then is recovered at the next start."""


class _Stop(Exception):
    """The pod is to end."""


def serve(places: Places, port: int, health_port: int) -> int:
    """Runs the server until it ends, or the pod is to end. Returns the exit code."""
    signal.signal(signal.SIGTERM, _raise_stop)
    signal.signal(signal.SIGINT, _raise_stop)
    try:
        places.prepare()
        with _alone(places):
            return _serve(places, port, health_port)
    except _Stop:  # before the server was started
        return 0


def _serve(places: Places, port: int, health_port: int) -> int:
    _recover(places)
    token = secrets.token_hex(32)
    environment = {**os.environ, "HOME": str(places.home)}
    server = subprocess.Popen(command(places, port, hashed(token)), env=environment, cwd=places.home)
    health = HealthServer(health_port, places, port, token)
    threading.Thread(target=health.serve_forever, name="health", daemon=True).start()
    try:
        code = _wait(server)
        say(f"the server ended by itself, with code {code}")
    except _Stop:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _stop(server, places)
        code = 0
    # Process 1 ends last: whatever still runs in the pod ends with it.
    _recover(places, RECOVER_SECONDS)
    return code


def _alone(places: Places) -> IO[bytes]:
    """Waits until no other pod has the volume: a lost node's pod, or one that still ends, may have it."""
    lock = (places.state / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another pod still has the volume; waiting for its end")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _wait(server: subprocess.Popen[bytes]) -> int:
    """Returns the exit code of the server. Reaps everything else meanwhile, as process 1 must."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == server.pid:
            server.returncode = os.waitstatus_to_exitcode(status)
            return server.returncode


def _stop(server: subprocess.Popen[bytes], places: Places) -> None:
    limit = time.monotonic() + AUTOSAVE_SECONDS
    while unsaved(places) and time.monotonic() < limit:
        time.sleep(0.1)
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _recover(places: Places, seconds: float | None = None) -> None:
    """Recovers in a process of its own: the libraries need memory, and may be slow to end."""
    argv = [sys.executable, "-m", "modelyard_workspace", "recover", f"--volume={places.volume}"]
    try:
        code = subprocess.run(argv, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        say("not all documents were recovered in time; the next start goes on")
        return
    if code:
        say(f"documents were not recovered: code {code}")


def _raise_stop(*_: object) -> NoReturn:
    raise _Stop
