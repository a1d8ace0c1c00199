"""Installs and addresses a cluster's addons for tests."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.common.paths import REPO
from tests.localcluster.addons import gateway, registry
from tests.support.registry import RunningRegistry, docker_config

Object = dict[str, Any]


def bring_up(cluster: str, *names: str) -> None:
    """Adds the addons to the cluster; those that work already stay as they are."""
    # Run a separate process: this one may be in the cluster's network, where nothing can be downloaded or built.
    argv = [sys.executable, "-m", "tests.localcluster", "addon", *names, "--name", cluster]
    subprocess.run(argv, cwd=REPO, check=True)


class Gateway:
    """The Gateway of a cluster: HTTP on port 80 of ``address``, for HTTPRoutes of every namespace."""

    port = 80
    workers = gateway.WORKERS

    def __init__(self, cluster: str) -> None:
        self.address = gateway.address(cluster)

    @staticmethod
    def parent() -> Object:
        """Returns the Gateway's item for an HTTPRoute's ``parentRefs``."""
        return {"name": gateway.NAME, "namespace": gateway.NAMESPACE}


class Registry:
    """The registries of a cluster: one for everybody, and one with a password."""

    open, locked = registry.OPEN, registry.LOCKED

    def __init__(self, cluster: str) -> None:
        bring_up(cluster, "registry")
        self._addresses = registry.addresses(cluster)

    def seen(self, host: str) -> RunningRegistry:
        """Returns one of the two as this process reaches it."""
        return RunningRegistry(self._addresses[host], host == self.locked)

    def secret(self, name: str) -> Object:
        """Returns a Secret with the password, for pushes and pulls."""
        data = {".dockerconfigjson": docker_config(self.locked)}
        kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson"}
        return {**kind, "metadata": {"name": name}, "stringData": data}
