"""Waits for the Deployments of a namespace, and prints what they wait for."""

import json
import time
from collections.abc import Callable
from typing import Any

from . import access
from .say import CannotRun, say

_STUCK = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CrashLoopBackOff")

Object = dict[str, Any]


def wait_ready(
    cluster: str, namespace: str, what: str, seconds: float = 300, also: Callable[[], bool] = lambda: True
) -> None:
    """Waits until all Deployments are ready and ``also`` holds. Raises CannotRun with the logs of unready pods."""
    began, last_news = time.monotonic(), ""
    while True:
        listed = access.kubectl(cluster, "-n", namespace, "get", "deployments,pods", "--output=json")
        items = json.loads(listed)["items"]
        deployments = [item for item in items if item["kind"] == "Deployment"]
        pods = [item for item in items if item["kind"] == "Pod"]
        if deployments and all(_ready(deployment) for deployment in deployments) and also():
            say(f"  ready: {time.monotonic() - began:.0f} s")
            return
        news = "; ".join(sorted(_news(pod) for pod in pods)) or "no pods yet"
        if news != last_news:
            last_news = news
            say(f"  {time.monotonic() - began:3.0f} s: {news}")
        if time.monotonic() - began > seconds:
            raise CannotRun(f"{what} was not ready after {seconds:.0f} s: {news}\n{_logs(cluster, namespace, pods)}")
        time.sleep(0.5)


def _ready(deployment: Object) -> bool:
    status, replicas = deployment.get("status", {}), deployment["spec"]["replicas"]
    observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return observed and counts == [replicas] * 3


def _news(pod: Object) -> str:
    """Returns a pod's progress in a few words, and what it waits for."""
    name = pod["metadata"]["name"].rsplit("-", 2)[0]
    if "deletionTimestamp" in pod["metadata"]:
        return f"{name} ends"
    status = pod["status"]
    if status.get("phase") == "Succeeded":
        return f"{name} is done"
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{name} waits for a node: {condition.get('message', '')}"
    waits = [container for container in status.get("containerStatuses", ()) if not container.get("ready")]
    for container in waits:
        waiting = container["state"].get("waiting", {})
        if waiting.get("reason") in _STUCK:
            ended = container.get("lastState", {}).get("terminated", {}).get("message", "")
            return f"{name}: {waiting['reason']}: {ended.strip()[-500:] or waiting.get('message', '')}"
    if waits:
        return f"{name} starts" if any("running" in container["state"] for container in waits) else f"{name} is made"
    return f"{name} is ready" if status.get("containerStatuses") else f"{name} is made"


def _logs(cluster: str, namespace: str, pods: list[Object]) -> str:
    texts = []
    for pod in pods:
        if _news(pod).endswith((" is ready", " is done")):
            continue
        name = pod["metadata"]["name"]
        try:
            logs = access.kubectl(cluster, "-n", namespace, "logs", name, "--all-containers", "--tail=20")
        except CannotRun as problem:
            logs = str(problem)
        texts.append(f"==> {name} <==\n{logs}")
    return "\n".join(texts)
