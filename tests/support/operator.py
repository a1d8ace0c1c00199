"""The operator as a process of its own, and the measures of its cost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.common.ports import free_port
from tests.support.cpu import cpu_seconds

_LINE = re.compile(r'modelyard_api_requests_total\{code="(\d+)",resource="([^"]+)",verb="(\w+)"\} (\S+)')

WRITES = {"create", "patch", "apply", "delete"}


class Operator:
    """Runs ``python -m modelyard.main``, or another module like it, with this kubeconfig, as the pod ``identity``."""

    def __init__(
        self, kubeconfig: Path, namespace: str, log: Path, module: str = "modelyard.main", identity: str = "bench"
    ) -> None:
        self._kubeconfig, self._namespace, self.log, self._module = kubeconfig, namespace, log, module
        self._identity, self.port = identity, 0

    def start(self) -> None:
        self.port = free_port()
        identity = {"KUBECONFIG": str(self._kubeconfig), "POD_NAMESPACE": self._namespace, "POD_NAME": self._identity}
        identity |= {"POD_UID": "1", "PORT": str(self.port)}
        argv = [sys.executable, "-m", self._module]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env={**os.environ, **identity}, stdout=log, stderr=log)

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        """Sends SIGTERM, as the kubelet does, and returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()

    async def ended(self) -> int:
        """Waits for the process's end, and returns its exit code."""
        return await asyncio.to_thread(self.process.wait)

    def revive(self) -> bool:
        """Starts the operator again if it has ended, and returns whether it had."""
        if self.runs:
            return False
        self.start()
        return True

    def ready(self) -> bool:
        return self.get("/readyz").startswith("leading")

    def idle(self) -> bool:
        """Returns whether the operator leads, no object is queued and no pass runs."""
        page = self.get("/metrics")
        calm = "modelyard_queue_depth 0.0" in page and "modelyard_passes_running 0.0" in page
        return calm and "modelyard_leading 1.0" in page and self.ready()

    def metric(self, line: str) -> float:
        """Returns the value of one line of the metrics, 0 if there is no such line."""
        lines = self.get("/metrics").splitlines()
        return next((float(item.rsplit(" ", 1)[1]) for item in lines if item.startswith(line + " ")), 0.0)

    def requests(self) -> dict[str, int]:
        """Counts the requests to the API server since the start, by ``verb resource``, or ``verb resource code`` if
        the code is not 2xx."""
        counts: dict[str, int] = {}
        for code, resource, verb, count in _LINE.findall(self.get("/metrics")):
            key = f"{verb} {resource}" + ("" if code.startswith("2") else f" {code}")
            counts[key] = counts.get(key, 0) + int(float(count))
        return counts

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def memory_mb(self, field: str = "VmRSS") -> float:
        """Returns the resident memory in 10^6 bytes: the current one, or the peak (``VmHWM``)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(rf"{field}:\s+(\d+) kB", status)
        assert match
        return int(match[1]) * 1024 / 1e6

    def until(self, what: str, check: Callable[[], bool], seconds: float = 120, every: float = 0.1) -> float:
        """Waits until the check holds, and returns the seconds. Raises TimeoutError, or RuntimeError if the process
        ended."""
        began = time.monotonic()
        while not check():
            if not self.runs:
                raise RuntimeError(f"the operator ended; see {self.log}")
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}; see {self.log}")
            time.sleep(every)
        return time.monotonic() - began

    def get(self, path: str) -> str:
        """Returns the page, or an empty string while the operator doesn't listen."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""
