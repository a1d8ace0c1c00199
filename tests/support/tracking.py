"""Runs the tracking image's own program as a process on this machine: real MLflow, SQLite, artifacts in a folder."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from modelyard_api.fields.artifact import SCHEME
from tests.localcluster.paths import REPO
from tests.support.ports import free_port
from tests.support.venvs import python_with

IMAGE = REPO / "images" / "tracking"
STARTS = 180
"""Longest time in seconds until the server answers; an idle machine needs about six."""


class Tracking:
    """Use as ``with Tracking(folder) as tracking: tracking.url``. It listens on 127.0.0.1 of the network in which it is
    started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._python = python_with("tracking", IMAGE / "requirements.txt")

    def __enter__(self) -> Tracking:
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [str(self._python), str(IMAGE / "serve.py"), "--data", str(self.folder), "--host", "127.0.0.1"]
        with (self.folder / "tracking.log").open("ab") as log:
            self._process = subprocess.Popen([*argv, "--port", str(port)], stdout=log, stderr=log)
        ends = time.monotonic() + STARTS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"the tracking server did not start; see {self.folder / 'tracking.log'}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)

    def put(self, uri: str, document: Any) -> None:
        """Writes a document to where a pod's upload through the server's artifact proxy would write it."""
        self.put_bytes(uri, json.dumps(document).encode())

    def put_bytes(self, uri: str, data: bytes) -> None:
        """Writes any bytes to where a pod's upload would write them."""
        path = self.folder / "artifacts" / uri.removeprefix(SCHEME)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
