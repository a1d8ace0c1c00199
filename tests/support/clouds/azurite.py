"""Azure Blob Storage, by Azurite, from its npm package; it asks for the key that all of them have."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.common.paths import cache, locked
from tests.common.ports import free_port, is_open
from tests.common.say import CannotRun, run_slow, say
from tests.localcluster import access

ACCOUNT, CONTAINER, STARTS = "devstoreaccount1", "lake", 60
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and the key that Azurite has, as its documentation says."""
_HERE = Path(__file__).parent


class Azurite:
    def __init__(self, address: str, port: int) -> None:
        import pyarrow.fs as pafs

        self.endpoint, where = f"http://{address}:{port}", f"{address}:{port}"
        hosts: Any = {f"{service}_storage_authority": where for service in ("blob", "dfs")}
        schemes: Any = {f"{service}_storage_scheme": "http" for service in ("blob", "dfs")}
        self._fs = pafs.AzureFileSystem(ACCOUNT, account_key=KEY, **hosts, **schemes)
        self._fs.create_dir(CONTAINER)

    @property
    def keys(self) -> dict[str, str]:
        return {"account_name": ACCOUNT, "account_key": KEY, "endpoint": self.endpoint}

    def put(self, path: str, data: str) -> None:
        """Writes a blob of the container ``lake``."""
        with self._fs.open_output_stream(f"{CONTAINER}/{path}") as stream:
            stream.write(data.encode())


def _program() -> Path:
    """Installs the locked packages into the cache, unless they are there, and returns the program."""
    folder = cache() / "azurite"
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    with locked("azurite"):
        lock = (_HERE / "package-lock.json").read_bytes()
        done = folder / "installed.json"
        if not done.exists() or done.read_bytes() != lock:
            if not shutil.which("npm"):
                raise CannotRun("npm is needed, which installs Azurite, the server of Azure's protocol.")
            say(f"installing Azurite (kept in {folder})")
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(_HERE / name, folder)
            npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
            if os.geteuid() == 0:  # the caller may be in a cluster's network, from which nothing can be downloaded
                npm = ["nsenter", f"--net={access.outside()}", *npm]
            run_slow("azurite", npm, cache() / "log" / "azurite.log")
            done.write_bytes(lock)
    return program


@contextmanager
def azurite(folder: Path, address: str) -> Iterator[Azurite]:
    """Runs the server on this address until the end of the block."""
    program, port = _program(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--blobHost", address, "--blobPort", str(port), "--location", str(folder)]
    environment = {**os.environ, "AZURITE_TELEMETRY": "false"}
    with (folder / "log").open("wb") as log:
        command = [str(program), *options, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        ends = time.monotonic() + STARTS
        while not is_open((address, port)):
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"Azurite did not start; see {folder / 'log'}")
            time.sleep(0.1)
        yield Azurite(address, port)
    finally:
        process.terminate()
        process.wait(30)
