"""Waits for the Deployments of a namespace, and shows what they wait for."""

import subprocess
import time

from tests.common.say import CannotRun, say

from . import access


def wait_ready(cluster: str, namespace: str, what: str, *conditions: tuple[str, ...]) -> None:
    """Waits until all Deployments are ready, and for conditions by ``kubectl wait`` (the words after ``--for``).

    Raises CannotRun with what is known of the pods.
    """
    began, kubectl = time.monotonic(), [*access.kubectl_command(cluster), "--namespace", namespace]
    names = access.kubectl(cluster, "-n", namespace, "get", "deployments", "--output=name").split()
    waits = [("rollout", "status", name) for name in names] + [("wait", "--for", *words) for words in conditions]
    for words in waits:
        if subprocess.run([*kubectl, *words, "--timeout=5m"], stdout=2, check=False).returncode:
            logs = [("logs", name, "--all-pods", "--all-containers", "--prefix", "--tail=10") for name in names]
            asked = [("get", "pods"), ("events", "--types=Warning"), *logs]
            told = [subprocess.run([*kubectl, *each], capture_output=True, text=True, check=False) for each in asked]
            raise CannotRun(f"{what} was not ready after 5 minutes:\n" + "\n".join(each.stdout for each in told))
    say(f"  {what} is ready: {time.monotonic() - began:.0f} s")
