"""A node whose disk is nearly full, as its real kubelet sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from tests.common.say import until
from tests.localcluster import engine, kind
from tests.support.kube import Kube, condition

_KUBELET = "/var/lib/kubelet"
_CONFIG, _FILLER = f"{_KUBELET}/config.yaml", f"{_KUBELET}/filler"
_MARGIN = 2 << 30
"""Bytes that others may write meanwhile, or free, before the kubelet sees more or less of the disk than it should."""
_TAINT = "node.kubernetes.io/disk-pressure"


@dataclass(frozen=True)
class Disk:
    """The disk of a node, whose kubelet evicts pods once less than ``threshold`` bytes are free."""

    node: str
    kube: Kube
    threshold: int

    def fill(self) -> None:
        """Fills the disk until the kubelet finds too little of it free, and waits until the scheduler knows that."""
        length = max(_free(self.node) - self.threshold, 0) + _MARGIN
        within(self.node, "fallocate", "--length", str(length), _FILLER)
        self.kube.until(f"the disk pressure of {self.node}", self.is_short, 60)

    def is_short(self) -> bool:
        """Whether the node has, or had just now, too little of its disk free."""
        node = self.kube.get("node", self.node) or {}
        pressure = condition(node, "DiskPressure") or {}
        return pressure["status"] != "False" or any(item["key"] == _TAINT for item in node["spec"].get("taints") or ())

    def restart_kubelet(self) -> None:
        within(self.node, "systemctl", "restart", "kubelet")


def within(node: str, *argv: str, text: str | None = None) -> str:
    """Runs a command in a node, with ``text`` as its input, and returns its output. Raises CannotRun."""
    return engine.docker("exec", *(() if text is None else ("--interactive",)), node, *argv, input=text)


def _free(node: str) -> int:
    return int(within(node, "df", "--block-size=1", "--output=avail", _KUBELET).split()[1])


@contextmanager
def small_disk(kube: Kube, n: int) -> Iterator[Disk]:
    """A context in which ``fill`` makes the kubelet of node n evict pods. Afterwards the node is as it was before."""
    node = kind.container(kube.cluster, n)
    before = within(node, "cat", _CONFIG)
    disk = Disk(node, kube, _free(node) - _MARGIN)
    changes = {
        "evictionHard": {"nodefs.available": str(disk.threshold)},
        "evictionPressureTransitionPeriod": "1s",
        "imageMinimumGCAge": "1h",  # the kubelet would first free the disk of images that other tests use
    }
    try:
        within(node, "tee", _CONFIG, text=yaml.safe_dump(yaml.safe_load(before) | changes))
        disk.restart_kubelet()
        yield disk
    finally:
        within(node, "rm", "--force", _FILLER)
        within(node, "tee", _CONFIG, text=before)
        disk.restart_kubelet()
        until(120, f"the end of the disk pressure of {node}", lambda: not disk.is_short())
