"""Google Cloud Storage's JSON API, by gcp-storage-emulator; it asks for no credentials."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.common.ports import free_port, is_open
from tests.support.venvs import python_with

BUCKET, STARTS = "lake", 60


class Gcs:
    def __init__(self, address: str, port: int) -> None:
        self.endpoint = f"http://{address}:{port}"

    @property
    def keys(self) -> dict[str, str]:
        return {"endpoint": self.endpoint}

    def put(self, path: str, data: str) -> None:
        """Writes an object of the bucket ``lake``."""
        url = f"{self.endpoint}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(path, safe='')}"
        headers = {"Content-Type": "text/csv"}
        urllib.request.urlopen(urllib.request.Request(url, data.encode(), headers, method="POST")).close()


@contextmanager
def gcs(folder: Path, address: str) -> Iterator[Gcs]:
    """Runs the server on this address until the end of the block."""
    python, port = python_with("gcs", Path(__file__).with_suffix(".txt")), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    program = [str(python.parent / "gcp-storage-emulator"), "start", f"--host={address}", f"--port={port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*program, "--in-memory", f"--default-bucket={BUCKET}"], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + STARTS
        while not is_open((address, port)):
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"the emulator of Google Cloud Storage did not start; see {folder / 'log'}")
            time.sleep(0.1)
        yield Gcs(address, port)
    finally:
        process.terminate()
        process.wait(30)
