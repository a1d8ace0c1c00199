"""The provider `kwok`: the control plane of `embedded` with nodes that KWOK plays. Pods run no program there.

For tests and benchmarks of controllers alone: up in seconds, and room for tens of thousands of pods. A pod runs and is
Ready as soon as it has a node; it ends when somebody annotates it with how (see ``stages.yaml``).
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
"""Annotation of a pod: the phase that it ends in, `Succeeded` or `Failed`."""


class Kwok(Embedded):
    """One such cluster; images are never brought to it, since nothing runs from them."""

    provider = "kwok"
    workers = ()

    def _programs(self) -> str:
        return binaries.build_all([binaries.programs()["hyperkube"], binaries.kwok()])

    def _plant_images(self) -> None:
        shutil.copy(HERE / "stages.yaml", self.folder)

    def _make_nodes(self) -> None:
        nodes = [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": config.node_name(self.name, n)}}
            for n in config.NODES
        ]
        path = self.folder / "nodes.yaml"
        path.write_text(yaml.safe_dump_all(nodes))
        self.kubectl("apply", "--server-side", "-f", str(path))

    def _add_on(self, began: float) -> None:
        pass

    def load_images(self) -> None:
        """Nothing to do."""

    def process(self, daemon: str) -> int:
        """The pid, as this machine counts, of a program of the control plane, say ``kube-apiserver``."""
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
        """Stop a program of the control plane where it is (say ``kube-controller-manager``), or let it go on."""
        os.kill(self.process(daemon), signal.SIGSTOP if on else signal.SIGCONT)
