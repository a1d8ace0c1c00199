"""Checks that a paused operator stays paused, whatever becomes of the shell that began the harness."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.faults.operator import Forge, Operator

JOB_CONTROL = "trap '' HUP; set -m; \"$@\" & read"
"""The shell runs the harness in the background, and ends when its input does."""
HARNESS = """
import asyncio
import sys
from pathlib import Path

import pytest

from tests.harness.faults.operator import Forge, Operator

from tests.harness.faults.operator import Forge, Operator
from tests.support.until import until


async def harness(folder: Path) -> None:
    async with Forge() as forge:
        operator = Operator(forge, folder / "kubeconfig", "default", "first")
        await operator.start({}, None)
        operator.pause()
        print("paused", flush=True)

        async def shell_has_ended() -> bool:
            return (folder / "ended").exists()

        await until("the shell has ended", shell_has_ended, 60)
        print(operator.is_paused(), flush=True)
        await operator.kill()


asyncio.run(harness(Path(sys.argv[1])))
"""


def test_a_paused_operator_outlives_the_shell_of_the_harness(tmp_path: Path) -> None:
    """Linux continues what is stopped in a process group when the last shell that could continue it ends."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        argv = ["bash", "-c", JOB_CONTROL, "shell", sys.executable, "-c", HARNESS, str(tmp_path)]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as shell:
            assert shell.stdin
            assert shell.stdout
            assert shell.stdout.readline() == "paused\n"
            shell.stdin.close()
            shell.wait(30)
            (tmp_path / "ended").touch()
            assert shell.stdout.readline() == "True\n"


async def test_a_start_that_is_given_up_leaves_no_process_and_takes_no_others_pid(tmp_path: Path) -> None:
    """A play that ends while its operator is started again gives the start up."""
    async with Forge() as forge:
        first, second = (Operator(forge, tmp_path / "kubeconfig", "default", name) for name in ("first", "second"))
        starting = asyncio.create_task(first.start({}, None))
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await second.start({}, None)
        assert first._pid != second._pid
        for operator in (first, second):
            await asyncio.wait_for(operator.kill(), 60)
            with pytest.raises(ProcessLookupError):
                os.kill(operator._pid, 0)
