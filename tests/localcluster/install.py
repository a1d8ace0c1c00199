"""Brings Modelyard to a cluster of ours: ``python -m tests.localcluster.install [--name NAME]``.

Starts the cluster where it does not run, builds and imports the images that changed, applies the overlay ``local`` and
waits until all of it is ready. Run again it changes, and restarts, only what is not as it should be.
"""

import argparse
import hashlib
import json
import sys
from typing import Any

import yaml

from . import access, images, preflight, providers, rollouts
from .digests import reference
from .embedded import Embedded
from .paths import DEFAULT_NAME, REPO, locked
from .say import CannotRun, exit_code, say

NAMESPACE = "modelyard-system"
OVERLAY = REPO / "manifests" / "overlays" / "local"
IMAGE_DIGEST, INSTALLATION_DIGEST = "modelyard.dev/image-digest", "modelyard.dev/installation-digest"

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
    rollouts.wait_ready(name, NAMESPACE, "Modelyard")


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.localcluster.install", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help=f"the cluster's name [{DEFAULT_NAME}]")
    given = parser.parse_args()
    return exit_code(lambda: install(given.name))


if __name__ == "__main__":
    sys.exit(main())
