"""The provider `kind`, for machines with a Docker engine.

It has not run on the machines on which it was written: every command comes from `commands`, and a test compares each
with what it should be.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import binaries, config, docker, oci
from .digests import dockerfiles, reference
from .paths import HERE, VOLUMES_IN_NODE, state
from .record import Record, load
from .say import CannotRun, run, run_slow, say


def kind_config(volumes: Path) -> str:
    """Returns kind's configuration: a control plane and two workers, of which node 1 mounts the host's `volumes`."""
    return f"""kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
- role: worker
  labels: {{modelyard.dev/node: "1", {config.VOLUMES_LABEL}: "true"}}
  extraMounts: [{{hostPath: "{volumes}", containerPath: "{VOLUMES_IN_NODE}"}}]
- role: worker
  labels: {{modelyard.dev/node: "2"}}
"""


def container(name: str, n: int) -> str:
    """Returns the name of the Docker container that is node n (0 is the control plane)."""
    return f"{name}-{['control-plane', 'worker', 'worker2'][n]}"


def commands(
    action: str, name: str, folder: Path, images: list[str] | None = None, n: int = 0, host: str = "", address: str = ""
) -> list[list[str]]:
    """Returns the command lines of an action, one of the keys below, in their order."""
    kubeconfig = ["--kubeconfig", str(folder / "kubeconfig")]
    everyone = [container(name, each) for each in range(3)]
    create = ["kind", "create", "cluster", "--name", name, "--config", str(folder / "kind.yaml"), *kubeconfig]
    hosts = f"/etc/containerd/certs.d/{host}"
    trust = f"mkdir -p {hosts} && echo {shlex.quote(config.hosts_toml(address).strip())} > {hosts}/hosts.toml"
    return {
        "up": [[*create, "--wait", "180s"]],
        "settle": [
            ["kubectl", *kubeconfig, "apply", "-f", str(HERE / "manifests/storage.yaml")],
            ["kubectl", *kubeconfig, "wait", "--for=condition=Ready", "node", "--all", "--timeout=180s"],
            [
                *("kubectl", *kubeconfig, "-n", "kube-system"),
                "rollout",
                "status",
                "deployment/coredns",
                "--timeout=180s",
            ],
        ],
        "restart": [["docker", "start", *everyone]],
        "down": [["kind", "delete", "cluster", "--name", name, *kubeconfig]],
        "kill": [["docker", "kill", *everyone]],
        "images": [["kind", "load", "docker-image", *(images or []), "--name", name]],
        "archive": [["kind", "load", "image-archive", str(folder / "programs.tar"), "--name", name]],
        "trust": [["docker", "exec", each, "sh", "-c", trust] for each in everyone],
        "logs": [["kind", "export", "logs", str(folder / "logs"), "--name", name]],
        "stop": [["docker", "kill", container(name, n)]],
        "start": [["docker", "start", container(name, n)]],
    }[action]


class Kind:
    """One cluster of kind."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = state(name)

    def _do(self, action: str, **more: Any) -> None:
        for argv in commands(action, self.name, self.folder, **more):
            say("$ " + " ".join(argv))
            if action == "up":
                run_slow("kind", argv, self.folder / "create.log", env=self._path())
            else:
                run(argv, env=self._path())

    def _path(self) -> dict[str, str]:
        program = binaries.kind()
        return {**os.environ, "PATH": f"{os.environ['PATH']}:{program.folder()}"}

    def _require(self) -> None:
        if not docker.answers():
            raise CannotRun(
                "No Docker engine answers 'docker info': start Docker, or use --provider embedded (Linux, root)."
            )
        if not shutil.which("kubectl"):
            raise CannotRun("kubectl is not installed: install it (https://kubernetes.io/docs/tasks/tools).")
        if not shutil.which("kind"):
            binaries.build(binaries.kind())

    def up(self) -> None:
        """Creates the cluster, or starts its containers again."""
        self._require()
        Record(self.name, "kind").save()
        volumes = self.folder / "volumes"
        for volume in config.VOLUMES:
            (volumes / volume).mkdir(parents=True, exist_ok=True)
            (volumes / volume).chmod(0o777)
        (self.folder / "kind.yaml").write_text(kind_config(volumes))
        existing = run(["kind", "get", "clusters"], env=self._path()).split()
        self._do("restart" if self.name in existing else "up")
        self._do("settle")

    def down(self) -> None:
        """Deletes the cluster."""
        if load(self.name):
            self._require()
            self._do("down")
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """Kills the containers of all nodes."""
        self._do("kill")

    def stop(self, n: int) -> None:
        """Kills node n's container."""
        self._do("stop", n=n)

    def start(self, n: int) -> None:
        """Starts node n's container again."""
        self._do("start", n=n)

    def load_images(self) -> None:
        """Loads the built images; kind itself skips those that a node has already."""
        if load(self.name):
            self._do("images", images=[reference(image) for image in dockerfiles()])

    def load_addon(self, images: Sequence[str], programs: Sequence[str]) -> None:
        """Loads images that Docker built from Docker, and the programs' images from an archive of our layout."""
        if images:
            self._do("images", images=[reference(image) for image in images])
        if not programs:
            return
        archive = self.folder / "programs.tar"
        with open(archive, "wb") as out:
            oci.write_archive(out, programs, set())
        self._do("archive")
        archive.unlink()

    def trust_registry(self, host: str, address: str) -> None:
        """Writes what each node's containerd reads at each pull."""
        self._do("trust", host=host, address=address)

    def logs(self, lines: int) -> str:
        """Exports the logs, and returns a text with their folder."""
        self._do("logs")
        return f"exported to {self.folder / 'logs'}"

    def status(self) -> dict[str, Any]:
        """Returns what runs, as data for `status --json`."""
        known: dict[str, Any] = {"name": self.name, "provider": "kind", "exists": load(self.name) is not None}
        if not known["exists"]:
            return known
        listed = ["docker", "ps", "--format", "{{.Names}}", "--filter", f"label=io.x-k8s.kind.cluster={self.name}"]
        running = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
        nodes = [
            {"number": n, "name": container(self.name, n), "running": container(self.name, n) in running}
            for n in range(3)
        ]
        return known | {
            "kubeconfig": str(self.folder / "kubeconfig"),
            "nodes": nodes,
            "volumesPath": VOLUMES_IN_NODE,
            "volumesNodeLabel": f"{config.VOLUMES_LABEL}=true",
            "volumes": list(config.VOLUMES),
            "volumesPathOnHost": str(self.folder / "volumes"),
        }

    def environment(self) -> dict[str, str]:
        """Returns the variables for a person's shell."""
        return {"KUBECONFIG": str(self.folder / "kubeconfig")}
