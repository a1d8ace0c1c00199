"""The operator as a process that can be killed or paused, and the parent process that forks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.common.ports import free_port


class Forge:
    """Controls the process of ``tests.harness.faults.fork``, which forks operators."""

    async def __aenter__(self) -> Forge:
        pipe = asyncio.subprocess.PIPE
        argv = [sys.executable, "-m", "tests.harness.faults.fork"]
        # In the session of a shell, Linux would continue a paused operator when that shell ends.
        self._process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, start_new_session=True)
        self._lock = asyncio.Lock()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()

    async def fork(self, order: dict[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        async with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            return int(await self._process.stdout.readline())


class Operator:
    """One process of the operator. ``ended`` is set when the process has ended."""

    def __init__(self, forge: Forge, kubeconfig: Path, namespace: str, identity: str) -> None:
        self._forge, self._identity = forge, identity
        self.log = kubeconfig.with_name(f"{identity}.log")
        self._environment = {
            "KUBECONFIG": str(kubeconfig),
            "POD_NAMESPACE": namespace,
            "POD_NAME": identity,
            "POD_UID": "1",
        }
        self.ended = asyncio.Event()
        self._fd, self._pid = -1, 0

    async def start(self, times: dict[str, str], broken: str | None) -> None:
        self.port = free_port()
        environment = {**self._environment, **times, "PORT": str(self.port)}
        self.ended.clear()
        order = {"environment": environment, "log": str(self.log), "broken": broken}
        forking = asyncio.ensure_future(self._forge.fork(order))
        try:
            self._follow(await asyncio.shield(forking))
        except asyncio.CancelledError:
            # The process comes all the same: unknown, nobody could end it, and its pid would be taken for the next one.
            self._follow(await forking)
            raise

    def _follow(self, pid: int) -> None:
        self._pid = pid
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.ended.set()
            return
        asyncio.get_running_loop().add_reader(self._fd, self._has_ended)

    def _has_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1
        self.ended.set()

    def _signal(self, number: signal.Signals) -> None:
        if self._fd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        await self.ended.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def is_paused(self) -> bool:
        """Returns whether the process runs no code now; somebody else may have continued it."""
        if self._fd < 0:
            return False
        stat = Path(f"/proc/{self._pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"  # the name in parentheses may contain anything

    async def leads(self, session: aiohttp.ClientSession) -> bool:
        return (await self._get(session, "/readyz")).startswith("leading")

    async def idle(self, session: aiohttp.ClientSession) -> bool:
        """Returns whether the operator leads, no object is queued and no pass runs."""
        page = await self._get(session, "/metrics")
        lines = ("modelyard_queue_depth 0.0", "modelyard_passes_running 0.0", "modelyard_leading 1.0")
        return all(line in page for line in lines)

    async def _get(self, session: aiohttp.ClientSession, path: str) -> str:
        """Returns the body, or an empty string while the operator doesn't listen."""
        try:
            async with session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return await answer.text()
        except (aiohttp.ClientError, OSError):
            return ""
