"""Reaches a Service as people do who have no way into the cluster's network: by ``kubectl port-forward``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.common.ports import free_port, is_open
from tests.common.say import until
from tests.localcluster import access

STARTS = 30
"""Longest time in seconds until the port is open."""


@contextmanager
def forwarded(cluster: str, namespace: str, service: str, port: int) -> Iterator[int]:
    """Yields a port of 127.0.0.1 that leads to the Service's port until the context ends."""
    mine = free_port()
    command = [*access.kubectl_command(cluster), "--namespace", namespace, "port-forward", f"service/{service}"]
    with subprocess.Popen([*command, f"{mine}:{port}"], stdout=subprocess.DEVNULL) as process:
        try:
            until(STARTS, f"kubectl port-forward of {service}", lambda: is_open(("127.0.0.1", mine)))
            yield mine
        finally:
            process.terminate()
