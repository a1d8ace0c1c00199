"""Runs the tracking image's own program as a process on this machine: real MLflow, SQLite, artifacts in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from modelyard_api.fields.artifact import SCHEME
from tests.common.paths import REPO
from tests.common.ports import free_port
from tests.support.venvs import python_with

IMAGE = REPO / "images" / "tracking"
ROOTS = os.pathsep.join((str(IMAGE), str(REPO / "crds"), str(REPO)))
"""The source roots of the image and of the tests, which its environment of locked packages doesn't hold."""
STARTS = 180
"""Longest time in seconds until the server answers; an idle machine needs about six."""


def interpreter() -> Path:
    """Returns the interpreter of an environment with the packages of the image."""
    return python_with("tracking", IMAGE / "requirements.txt")


class Tracking:
    """Use as ``with Tracking(folder) as tracking: tracking.url``. It listens on 127.0.0.1 of the network in which it is
    started, unless ``arguments`` say otherwise. ``environment`` is added to that of this process."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        module: str = "modelyard_tracking",
    ) -> None:
        self.folder, self._arguments = folder, ("-m", module, "--host", "127.0.0.1", "--data", str(folder), *arguments)
        self._environment = {**os.environ, **(environment or {}), "PYTHONPATH": ROOTS}
        self._python = interpreter()

    def __enter__(self) -> Tracking:
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [str(self._python), *self._arguments, "--port", str(port)]
        with (self.folder / "tracking.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=self._environment)
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
        path = self._path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)

    def get_bytes(self, uri: str) -> bytes | None:
        """Returns what lies there, None if nothing does."""
        path = self._path(uri)
        return path.read_bytes() if path.is_file() else None

    def _path(self, uri: str) -> Path:
        return self.folder / "artifacts" / uri.removeprefix(SCHEME)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
