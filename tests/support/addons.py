"""What tests know of a cluster's addons."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.localcluster.addons import gateway
from tests.localcluster.paths import REPO

Object = dict[str, Any]


def bring_up(cluster: str, *names: str) -> None:
    """Adds them to the cluster; nothing happens where they work already."""
    # A process of its own: this one may be in the cluster's network, where nothing can be downloaded or built.
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
        """What an HTTPRoute's ``parentRefs`` has for it."""
        return {"name": gateway.NAME, "namespace": gateway.NAMESPACE}
