"""Debian's registry of images, with a password if asked, as a process of this machine."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.common.paths import REPO
from tests.common.say import until
from tests.localcluster.addons.registry import PASSWORD, USER
from tests.support.debian import unpacked

HTPASSWD = f"{USER}:$2b$05$/45xSzdCjUs.AqbpUQE2BOR5StM7ZnTVf3XEz1147WihzNCRAMWuq\n"
"""What the program's file of passwords has."""
ACCEPT = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class RunningRegistry:
    host: str
    locked: bool = False
    """Whether it asks for the password."""
    scheme: str = "http"

    def manifest(self, repository: str, reference: str) -> Any:
        """Returns the manifest by its tag or digest. Raises HTTPError if there is none."""
        return json.loads(self._get(f"{repository}/manifests/{reference}", {"Accept": ACCEPT}))

    def blob(self, repository: str, digest: str) -> bytes:
        return self._get(f"{repository}/blobs/{digest}")

    def tags(self, repository: str) -> list[str]:
        return list(json.loads(self._get(f"{repository}/tags/list"))["tags"] or ())

    def answers(self) -> bool:
        try:
            self._get("")
        except OSError:
            return False
        return True

    def _get(self, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
        request = urllib.request.Request(f"{self.scheme}://{self.host}/v2/{path}", headers=dict(headers))
        if self.locked:
            request.add_header("Authorization", f"Basic {basic()}")
        context = ssl._create_unverified_context()  # who asks is the test that has started it
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return bytes(answer.read())


def _settings(address: str, folder: str, htpasswd: str | None) -> dict[str, Any]:
    """Returns a configuration that listens on ``address``, and asks for a password of the file ``htpasswd``."""
    storage = {"filesystem": {"rootdirectory": folder}, "delete": {"enabled": True}}
    whole: dict[str, Any] = {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": address}}
    if htpasswd:
        whole["auth"] = {"htpasswd": {"realm": "registry", "path": htpasswd}}
    return whole


def basic(user: str = USER, password: str = PASSWORD) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def docker_config(host: str, user: str = USER, password: str = PASSWORD) -> str:
    """Returns what is in a Secret of type kubernetes.io/dockerconfigjson for this registry."""
    return json.dumps({"auths": {host: {"auth": basic(user, password)}}})


@contextmanager
def registry(
    folder: Path, host: str, locked: bool = False, tls: tuple[Path, Path] | None = None
) -> Iterator[RunningRegistry]:
    """Runs a registry that listens on ``host``, an address with a port, until the context ends. ``tls`` is a
    certificate with its key."""
    # In a process of its own: it may have to be downloaded, by the machine's own network.
    subprocess.run([sys.executable, "-m", "tests.support.debian", "docker-registry"], cwd=REPO, check=True)
    program = unpacked("docker-registry") / "usr/bin/docker-registry"
    (folder / "htpasswd").write_text(HTPASSWD)
    settings = _settings(host, str(folder / "data"), str(folder / "htpasswd") if locked else None)
    if tls:
        settings["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    running = RunningRegistry(host, locked, "https" if tls else "http")
    try:
        until(60, "the registry answers", running.answers)
        yield running
    finally:
        process.terminate()
        process.wait()
