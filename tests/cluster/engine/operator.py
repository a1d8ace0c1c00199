"""The engine as a process of its own, as it runs in its pod."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp

from tests.support.until import until


class Operator:
    def __init__(self, kubeconfig: Path, namespace: str, identity: str) -> None:
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "POD_NAMESPACE": namespace,
            "IDENTITY": identity,
        }
        self.log = kubeconfig.with_name(f"{identity}.log")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.cluster.engine.gears"),
                env={**self._environment, "PORT": str(self.port)},
                stderr=log,
            )

    async def get(self, path: str) -> str:
        """The body, or nothing while it doesn't listen."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return await answer.text()
        except aiohttp.ClientError:
            return ""

    async def leads(self) -> bool:
        return (await self.get("/readyz")).startswith("leading")

    async def ready(self, seconds: float = 30) -> None:
        await until(f"the operator leads; its log: {self.log}", self.leads, seconds)

    async def metric(self, line: str) -> float:
        """The value of one line of its metrics, 0 if it isn't there."""
        lines = (await self.get("/metrics")).splitlines()
        return next((float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(line + " ")), 0.0)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()

    async def stop(self) -> int:
        """SIGTERM, as the kubelet does; the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()

    async def ended(self) -> int:
        assert self.process is not None
        return await self.process.wait()
