"""Starts a cluster with workers, and adds what the tests need besides kind's own parts."""

import time

from tests.common.paths import locked
from tests.common.say import say

from . import access, images, kind, registry
from .paths import HERE


def up(name: str) -> None:
    """Starts the cluster, or what of it does not run, and waits until its nodes and names work. Raises CannotRun."""
    with locked(f"cluster-{name}"):
        began = time.monotonic()
        kind.up(name)
        images.build(["docker-registry"])
        registry.start(images.reference("docker-registry"))
        registry.trust(name, "localhost", registry.ADDRESS)
        access.kubectl(name, "apply", "-f", str(HERE / "manifests"))
        access.kubectl(name, "wait", "--for=condition=Ready", "node", "--all", "--timeout=180s")
        access.kubectl(name, "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=180s")
        say(f"  nodes and names: {time.monotonic() - began:.0f} s")
