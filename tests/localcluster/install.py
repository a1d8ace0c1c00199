"""Installs Modelyard on a cluster of ours.

Starts the cluster if it does not run, builds and imports the images that changed, applies the overlay ``local`` and
waits until all of it is ready. Run again, it changes and restarts only what is not as it should be.
"""

import hashlib
import json
from typing import Any

import yaml

from tests.common.paths import REPO
from tests.common.say import CannotRun, say

from . import access, cluster, images, rollouts
from .images import reference

NAMESPACE = "modelyard-system"
OVERLAY = REPO / "manifests" / "overlays" / "local"
IMAGE_DIGEST, INSTALLATION_DIGEST = "modelyard.dev/image-digest", "modelyard.dev/installation-digest"

Object = dict[str, Any]


def install(name: str) -> None:
    """Makes the cluster of that name run with a ready installation. Raises CannotRun with a sentence."""
    digests = images.build()
    cluster.up(name)
    images.load(name, map(reference, digests))
    say("installing Modelyard")
    objects = marked(render(name), digests)
    access.kubectl(name, "apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(objects))
    for plural in (obj["metadata"]["name"] for obj in objects if obj["kind"] == "CustomResourceDefinition"):
        access.wait(name, f"crd/{plural}", "condition=Established")
    rollouts.wait_ready(name, NAMESPACE, "Modelyard")


def render(name: str) -> list[Object]:
    """Returns the objects of the overlay."""
    return [obj for obj in yaml.safe_load_all(access.kubectl(name, "kustomize", str(OVERLAY))) if obj]


def marked(objects: list[Object], digests: dict[str, str]) -> list[Object]:
    """Adds digests of the images and the settings to the pod templates' annotations, and returns the objects.

    Images have a fixed tag, and a ConfigMap is read at start only: a new image or setting needs a changed template to
    take effect. The digests change the template only then, so that nothing else restarts.
    """
    settings = [obj["data"] for obj in objects if obj["kind"] == "ConfigMap"]
    installation = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    for obj in objects:
        if obj["kind"] != "Deployment":
            continue
        template = obj["spec"]["template"]
        annotations = template["metadata"].setdefault("annotations", {})
        used = {container["image"] for container in template["spec"]["containers"]}
        used_digests = {value for image, value in digests.items() if reference(image) in used}
        if not used_digests:
            raise CannotRun(f"Deployment {obj['metadata']['name']}: none of {', '.join(used)} is built from images/.")
        annotations[IMAGE_DIGEST] = ",".join(sorted(used_digests))
        annotations[INSTALLATION_DIGEST] = installation
    return objects
