"""Waits for the Deployments of a namespace, and shows what they wait for."""

import subprocess
import time
from collections.abc import Callable

from . import access
from .say import CannotRun, say, until


def wait_ready(
    cluster: str, namespace: str, what: str, seconds: int = 300, also: Callable[[], object] = lambda: True
) -> None:
    """Waits until all Deployments are ready and ``also`` holds. Raises CannotRun with what is known of the pods."""
    began, kubectl = time.monotonic(), [*access.kubectl_command(cluster), "--namespace", namespace]
    for deployment in access.kubectl(cluster, "-n", namespace, "get", "deployments", "--output=name").split():
        argv = [*kubectl, "rollout", "status", deployment, f"--timeout={seconds}s"]
        if subprocess.run(argv, stdout=2, check=False).returncode:
            pods = access.kubectl(cluster, "-n", namespace, "get", "pods")
            warnings = access.kubectl(cluster, "-n", namespace, "events", "--types=Warning")
            raise CannotRun(f"{what} was not ready after {seconds} s:\n{pods}\n{warnings}\n{_logs(cluster, namespace)}")
    until(seconds, what, also, every=0.5)
    say(f"  {what} is ready: {time.monotonic() - began:.0f} s")


def _logs(cluster: str, namespace: str) -> str:
    try:
        flags = ["--all-pods", "--all-containers", "--prefix", "--tail=10"]
        names = access.kubectl(cluster, "-n", namespace, "get", "deployments", "--output=name").split()
        return "\n".join(access.kubectl(cluster, "-n", namespace, "logs", name, *flags) for name in names)
    except CannotRun as problem:
        return str(problem)
