"""The provider `current`: the cluster that kubectl points at, run by somebody else. It is used only on request."""

import os
import shutil
from collections.abc import Sequence
from typing import Any

from .digests import dockerfiles, reference
from .say import CannotRun, run, say


class Current:
    """The cluster of kubectl's current context; `name` has no effect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def up(self) -> None:
        """Checks that the cluster answers. Raises CannotRun."""
        if not shutil.which("kubectl"):
            raise CannotRun("kubectl is not installed: install it (https://kubernetes.io/docs/tasks/tools).")
        context = run(["kubectl", "config", "current-context"]).strip()
        run(["kubectl", "get", "--raw", "/readyz", "--request-timeout=10s"])
        say(f"the cluster of the context {context} answers; it is left as it is")

    def _refuse(self, what: str) -> CannotRun:
        return CannotRun(f"The cluster of kubectl's current context is not ours to {what}: use its own tools.")

    def down(self) -> None:
        """Refused."""
        raise self._refuse("remove")

    def kill(self) -> None:
        """Refused."""
        raise self._refuse("kill")

    def stop(self, n: int) -> None:
        """Refused."""
        raise self._refuse("stop nodes of")

    def start(self, n: int) -> None:
        """Refused."""
        raise self._refuse("start nodes of")

    def load_images(self) -> None:
        """Prints how to bring the images to the cluster; nothing is pushed anywhere."""
        say("The images are built, and pushed nowhere. Push them to a registry that the cluster reads from:")
        for image in dockerfiles():
            say(f"  docker tag {reference(image)} REGISTRY/{image}:TAG && docker push REGISTRY/{image}:TAG")
        say("and name them in your overlay: kustomize edit set image localhost/modelyard/IMAGE=REGISTRY/IMAGE:TAG")

    def load_addon(self, images: Sequence[str], programs: Sequence[str]) -> None:
        """Refused."""
        raise self._refuse("add to")

    def trust_registry(self, host: str, address: str) -> None:
        """Refused."""
        raise self._refuse("add to")

    def logs(self, lines: int) -> str:
        """Refused."""
        raise self._refuse("read logs of")

    def status(self) -> dict[str, Any]:
        """Returns the name of the context, as data for `status --json`."""
        context = run(["kubectl", "config", "current-context"]).strip()
        return {"name": self.name, "provider": "current", "exists": True, "context": context}

    def environment(self) -> dict[str, str]:
        """Returns the KUBECONFIG that kubectl uses already, if it is set."""
        return {"KUBECONFIG": os.environ["KUBECONFIG"]} if "KUBECONFIG" in os.environ else {}
