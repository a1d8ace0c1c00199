"""The provider `kwok`: the control plane of `embedded` with nodes that KWOK simulates. Pods run no program there.

It is for tests and benchmarks of controllers alone: it starts in seconds, and has room for tens of thousands of pods. A
pod runs and is Ready as soon as it has a node; it ends when an annotation says how (see ``stages.yaml``).
"""

import contextlib
import os
import re
import shutil
import signal
from pathlib import Path

import yaml

from . import binaries, config, node
from .embedded import Embedded
from .paths import HERE
from .say import CannotRun

FINISH = "kwok.modelyard.dev/finish"
"""The annotation of a pod with the phase in which it ends, `Succeeded` or `Failed`."""
_STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "played", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/host-path",
}
"""Volumes that the controller-manager makes at once; they can't grow."""


class Kwok(Embedded):
    """One cluster with simulated nodes; it gets no images, because no program runs from them."""

    provider = "kwok"
    workers = ()

    def _programs(self) -> str:
        return binaries.build_all([binaries.programs()["hyperkube"], binaries.kwok()])

    def _plant_images(self) -> None:
        shutil.copy(HERE / "stages.yaml", self.folder)

    def _make_nodes(self) -> None:
        objects: list[object] = [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": config.node_name(self.name, n)}}
            for n in config.NODES
        ]
        objects.append(_STORAGE_CLASS)
        path = self.folder / "nodes.yaml"
        path.write_text(yaml.safe_dump_all(objects))
        self.kubectl("apply", "--server-side", "-f", str(path))

    def _add_on(self, began: float) -> None:
        pass

    def load_images(self) -> None:
        """Does nothing: simulated nodes need no images."""

    def process(self, daemon: str) -> int:
        """Returns the pid, in this machine's numbering, of a program of the control plane, say ``kube-apiserver``."""
        inside = (self.folder / str(config.CONTROL_PLANE) / "pids" / daemon).read_text().strip()
        holder = node.pid(self.folder, config.CONTROL_PLANE)
        first = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0]
        space = os.readlink(f"/proc/{first}/ns/pid")
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                numbers = re.findall(r"^NSpid:.*\t(\d+)$", (process / "status").read_text(), re.M)
                if numbers == [inside] and os.readlink(process / "ns/pid") == space:
                    return int(process.name)
        raise CannotRun(f"{daemon} of {self.name} does not run; see 'logs --name {self.name}'.")

    def pause(self, daemon: str, on: bool) -> None:
        """Pauses a program of the control plane (say ``kube-controller-manager``), or resumes it."""
        os.kill(self.process(daemon), signal.SIGSTOP if on else signal.SIGCONT)
