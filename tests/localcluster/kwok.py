"""A cluster whose nodes KWOK plays, besides kind's real control plane. Pods run no program there.

It is for tests and benchmarks of controllers alone: it has room for tens of thousands of pods. A pod runs and is Ready
as soon as it has a node; it ends when an annotation says how (see ``played/stages.yaml``).
"""

from tests.common.paths import locked
from tests.common.say import CannotRun, say

from . import access, binaries, engine, kind
from .paths import HERE

FINISH = "kwok.modelyard.dev/finish"
"""The annotation of a pod with the phase in which it ends, `Succeeded` or `Failed`."""
_FILES = "--kubeconfig=/etc/kubernetes/admin.conf --config=/usr/local/bin/stages.yaml"
_FLAGS = "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake --node-lease-duration-seconds=40"
_KWOK = f"exec kwok {_FILES} {_FLAGS} --cidr=10.244.0.0/16 >/var/log/kwok.log 2>&1"


def up(name: str) -> None:
    """Starts the cluster, or what of it does not run."""
    with locked(f"cluster-{name}"):
        if kind.exists(name) and not kind.played(name):
            raise CannotRun(f"The nodes of {name} are real: choose another name for a cluster whose nodes are played.")
        kwok = binaries.build(binaries.kwok()) / "kwok"
        kind.up(name, "played/cluster.yaml")
        node = kind.container(name, kind.CONTROL_PLANE)
        if "kwok" not in engine.docker("top", node, "-eo", "pid,comm").split():
            for file in (kwok, HERE / "played/stages.yaml"):
                engine.docker("cp", str(file), f"{node}:/usr/local/bin/")
            engine.docker("exec", "--detach", node, "sh", "-c", _KWOK)
        access.kubectl(name, "apply", "--server-side", "-f", str(HERE / "played/nodes.yaml"))
        for played in ("played-1", "played-2"):
            access.wait(name, f"node/{played}", "condition=Ready")
        # Nothing restarts what a benchmark pauses, and nothing but the control plane uses the machine.
        engine.docker("exec", node, "systemctl", "stop", "kubelet")
        say(f"KWOK plays the nodes of {name}")
