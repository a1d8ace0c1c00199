"""The operator as a process of its own, and what it costs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.support.cpu import cpu_seconds

_LINE = re.compile(r'modelyard_api_requests_total\{code="(\d+)",resource="([^"]+)",verb="(\w+)"\} (\S+)')

WRITES = {"create", "patch", "apply", "delete"}


class Operator:
    """``python -m modelyard.main``, or another program of its kind, with this kubeconfig, as the pod ``identity``."""

    def __init__(
        self, kubeconfig: Path, namespace: str, log: Path, module: str = "modelyard.main", identity: str = "bench"
    ) -> None:
        self._kubeconfig, self._namespace, self.log, self._module = kubeconfig, namespace, log, module
        self._identity, self.port = identity, 0

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        identity = {"KUBECONFIG": str(self._kubeconfig), "POD_NAMESPACE": self._namespace, "POD_NAME": self._identity}
        identity |= {"POD_UID": "1", "PORT": str(self.port)}
        argv = [sys.executable, "-m", self._module]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env={**os.environ, **identity}, stdout=log, stderr=log)

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        """SIGTERM, as the kubelet does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        return await asyncio.to_thread(self.process.wait)

    def revive(self) -> bool:
        """Start it again if it has ended; whether it had."""
        if self.runs:
            return False
        self.start()
        return True

    def ready(self) -> bool:
        return self.get("/readyz").startswith("leading")

    def idle(self) -> bool:
        """Whether it leads and no object waits for a pass or has one."""
        page = self.get("/metrics")
        calm = "modelyard_queue_depth 0.0" in page and "modelyard_passes_running 0.0" in page
        return calm and "modelyard_leading 1.0" in page and self.ready()

    def metric(self, line: str) -> float:
        """The value of one line of its metrics, 0 if it isn't there."""
        lines = self.get("/metrics").splitlines()
        return next((float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(line + " ")), 0.0)

    def requests(self) -> dict[str, int]:
        """Requests to the API server since its start, by ``verb resource`` (``code`` only where it is no success)."""
        found: dict[str, int] = {}
        for code, resource, verb, count in _LINE.findall(self.get("/metrics")):
            key = f"{verb} {resource}" + ("" if code.startswith("2") else f" {code}")
            found[key] = found.get(key, 0) + int(float(count))
        return found

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Resident memory in 10^6 bytes: now, or the most there was (``VmHWM``)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{what}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024 / 1e6

    def until(self, what: str, check: Callable[[], bool], seconds: float = 120, every: float = 0.1) -> float:
        """Seconds until the check holds. Raises TimeoutError, or RuntimeError when the process ended."""
        began = time.monotonic()
        while not check():
            if not self.runs:
                raise RuntimeError(f"the operator ended; see {self.log}")
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}; see {self.log}")
            time.sleep(every)
        return time.monotonic() - began

    def get(self, path: str) -> str:
        """The page, or nothing while it doesn't listen."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""
