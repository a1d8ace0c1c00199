"""The operator as a process of its own, and what it costs."""

from __future__ import annotations

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

from tests.harness.bench.controllers.cpu import cpu_seconds

_LINE = re.compile(r'modelyard_api_requests_total\{code="(\d+)",resource="([^"]+)",verb="(\w+)"\} (\S+)')

WRITES = {"create", "patch", "apply", "delete"}


class Operator:
    """``python -m modelyard.main``, or another program of its kind, with this kubeconfig."""

    def __init__(self, kubeconfig: Path, namespace: str, log: Path, module: str = "modelyard.main") -> None:
        self._kubeconfig, self._namespace, self._log, self._module = kubeconfig, namespace, log, module
        self.port = 0

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        identity = {"KUBECONFIG": str(self._kubeconfig), "POD_NAMESPACE": self._namespace, "POD_NAME": "bench"}
        identity |= {"POD_UID": "1", "PORT": str(self.port)}
        argv = [sys.executable, "-m", self._module]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(argv, env={**os.environ, **identity}, stdout=log, stderr=log)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def revive(self) -> bool:
        """Start it again if it has ended; whether it had."""
        if self.process.poll() is None:
            return False
        self.start()
        return True

    def ready(self) -> bool:
        return self._get("/readyz").startswith("leading")

    def idle(self) -> bool:
        """Whether it leads and no object waits for a pass or has one."""
        page = self._get("/metrics")
        calm = "modelyard_queue_depth 0.0" in page and "modelyard_passes_running 0.0" in page
        return calm and "modelyard_leading 1.0" in page and self.ready()

    def requests(self) -> dict[str, int]:
        """Requests to the API server since its start, by ``verb resource`` (``code`` only where it is no success)."""
        found: dict[str, int] = {}
        for code, resource, verb, count in _LINE.findall(self._get("/metrics")):
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
            if self.process.poll() is not None:
                raise RuntimeError(f"the operator ended; see {self._log}")
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}; see {self._log}")
            time.sleep(every)
        return time.monotonic() - began

    def _get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""
