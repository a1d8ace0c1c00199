"""Brings Modelyard to a cluster of ours: ``python -m tests.localcluster.install [--name NAME]``.

Starts the cluster where it does not run, builds and imports the images that changed, applies the overlay ``local`` and
waits until all of it is ready. Run again it changes, and restarts, only what is not as it should be.
"""

import argparse
import hashlib
import json
import sys
import time
from typing import Any

import yaml

from . import access, images, preflight, providers
from .digests import reference
from .embedded import Embedded
from .paths import DEFAULT_NAME, REPO, locked
from .say import CannotRun, exit_code, say

NAMESPACE = "modelyard-system"
OVERLAY = REPO / "manifests" / "overlays" / "local"
IMAGE_DIGEST, INSTALLATION_DIGEST = "modelyard.dev/image-digest", "modelyard.dev/installation-digest"
_STUCK = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CrashLoopBackOff")

Object = dict[str, Any]


def install(name: str) -> None:
    """From whatever is there to a ready installation on the cluster of that name. Raises CannotRun with a sentence."""
    provider = providers.pick(name, "auto")
    with locked(f"cluster-{name}"):
        if isinstance(provider, Embedded):
            preflight.check_machine()
            preflight.install_packages()
        # Before the start: a new cluster gets what is built by hard links, an old one has it imported.
        digests = images.build_all(providers.builder(provider))
        provider.up()
        provider.load_images()
    say("installing Modelyard")
    objects = marked(render(name), digests)
    access.kubectl(name, "apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(objects))
    for plural in (one["metadata"]["name"] for one in objects if one["kind"] == "CustomResourceDefinition"):
        access.wait(name, f"crd/{plural}", "condition=Established")
    wait_ready(name)


def render(name: str) -> list[Object]:
    """The objects of the overlay."""
    return [one for one in yaml.safe_load_all(access.kubectl(name, "kustomize", str(OVERLAY))) if one]


def marked(objects: list[Object], digests: dict[str, str]) -> list[Object]:
    """With the digests of what pods are made from as annotations of their templates.

    Images have a fixed tag, and a ConfigMap is read at start only: without a change of the template neither a new image
    nor a new setting would come into effect, and with one that always changes everything would restart each time.
    """
    settings = [one["data"] for one in objects if one["kind"] == "ConfigMap"]
    installation = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    for one in objects:
        if one["kind"] != "Deployment":
            continue
        template = one["spec"]["template"]
        annotations = template["metadata"].setdefault("annotations", {})
        used = {container["image"] for container in template["spec"]["containers"]}
        found = {value for image, value in digests.items() if reference(image) in used}
        if not found:
            raise CannotRun(f"Deployment {one['metadata']['name']}: none of {', '.join(used)} is built from images/.")
        annotations[IMAGE_DIGEST] = ",".join(sorted(found))
        annotations[INSTALLATION_DIGEST] = installation
    return objects


def wait_ready(name: str, seconds: float = 300) -> None:
    """Waits for all Deployments of ours, telling what they wait for. Raises CannotRun with their logs' end."""
    began, told = time.monotonic(), ""
    while True:
        listed = access.kubectl(name, "-n", NAMESPACE, "get", "deployments,pods", "--output=json")
        items = json.loads(listed)["items"]
        deployments = [one for one in items if one["kind"] == "Deployment"]
        pods = [one for one in items if one["kind"] == "Pod"]
        if deployments and all(_ready(one) for one in deployments):
            say(f"  ready: {time.monotonic() - began:.0f} s")
            return
        news = "; ".join(sorted(_news(pod) for pod in pods)) or "no pods yet"
        if news != told:
            told = news
            say(f"  {time.monotonic() - began:3.0f} s: {news}")
        if time.monotonic() - began > seconds:
            logs = access.kubectl(
                name, "-n", NAMESPACE, "logs", "--selector=app.kubernetes.io/part-of=modelyard", "--tail=20"
            )
            raise CannotRun(f"Modelyard was not ready after {seconds:.0f} s: {news}\n{logs}")
        time.sleep(0.5)


def _ready(deployment: Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [wanted] * 3


def _news(pod: Object) -> str:
    """One pod in a few words: how far it is, and what keeps it."""
    name = pod["metadata"]["name"].rsplit("-", 2)[0]
    if "deletionTimestamp" in pod["metadata"]:
        return f"{name} ends"
    status = pod["status"]
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{name} waits for a node: {condition.get('message', '')}"
    for container in status.get("containerStatuses", ()):
        if container.get("ready"):
            return f"{name} is ready"
        waiting = container["state"].get("waiting", {})
        if waiting.get("reason") in _STUCK:
            ended = container.get("lastState", {}).get("terminated", {}).get("message", "")
            return f"{name}: {waiting['reason']}: {ended.strip()[-500:] or waiting.get('message', '')}"
        if "running" in container["state"]:
            return f"{name} starts"
    return f"{name} is made"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.localcluster.install", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help=f"the cluster's name [{DEFAULT_NAME}]")
    given = parser.parse_args()
    return exit_code(lambda: install(given.name))


if __name__ == "__main__":
    sys.exit(main())
