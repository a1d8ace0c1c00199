"""Debian's registry of images, with a password if asked, as a process of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.localcluster.debian import unpacked
from tests.localcluster.paths import REPO
from tests.localcluster.say import until

ACCEPT = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class RunningRegistry:
    host: str

    def manifest(self, repository: str, reference: str) -> Any:
        """Returns the manifest by its tag or digest. Raises HTTPError if there is none."""
        url = f"http://{self.host}/v2/{repository}/manifests/{reference}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": ACCEPT})) as answer:
            return json.load(answer)

    def blob(self, repository: str, digest: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.host}/v2/{repository}/blobs/{digest}") as answer:
            return bytes(answer.read())

    def tags(self, repository: str) -> list[str]:
        with urllib.request.urlopen(f"http://{self.host}/v2/{repository}/tags/list") as answer:
            return list(json.load(answer)["tags"] or ())


@contextmanager
def registry(folder: Path, host: str) -> Iterator[RunningRegistry]:
    """Runs a registry that listens on ``host``, an address with a port, until the context ends."""
    # In a process of its own: it may have to be downloaded, by the machine's own network.
    subprocess.run([sys.executable, "-m", "tests.localcluster.debian", "docker-registry"], cwd=REPO, check=True)
    program = unpacked("docker-registry") / "usr/bin/docker-registry"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}
    config = {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": host}}
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    running = RunningRegistry(host)
    try:
        until(60, "the registry answers", lambda: _answers(running))
        yield running
    finally:
        process.terminate()
        process.wait()


def _answers(running: RunningRegistry) -> bool:
    try:
        with urllib.request.urlopen(f"http://{running.host}/v2/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
