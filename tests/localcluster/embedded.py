"""The provider `embedded`: a real Kubernetes of two nodes on this machine, without a container engine."""

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import api, binaries, config, logs, network, node, pki, preflight, seed, store
from .paths import HERE, VOLUMES_IN_NODE, state
from .record import Record, all_records, load
from .say import CannotRun, run, say, until


class Embedded:
    """One such cluster; every method may be called at any time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = state(name)
        self.kubeconfig = self.folder / "pki/admin.kubeconfig"

    def up(self) -> None:
        """Starts what does not run and waits until the nodes are Ready and the DNS answers. Raises CannotRun."""
        preflight.check_machine()
        preflight.install_packages()
        programs = binaries.build_all()
        began = time.monotonic()
        store.put_own_images()
        running = [n for n in node.ALL if node.pid(self.folder, n)]
        if len(running) < len(node.ALL):
            self._prepare(programs, running)
            for n in node.ALL:
                node.start(self.folder, self.name, n)
        self._wait(began)

    def _prepare(self, programs: str, running: list[int]) -> None:
        record = load(self.name) or Record(self.name, "embedded")
        if not record.port or (config.CONTROL_PLANE not in running and not network.can_listen(record.port)):
            if running:
                raise CannotRun(
                    f"Port {record.port} of 127.0.0.1 was taken by another program while the control plane of"
                    f" {self.name} was down: end that program, or run 'kill' and then 'up' to move to another port."
                )
            record.port = network.free_port({other.port for other in all_records()})
        record.save()
        pki.create(self.folder / "pki", self.name)
        pki.write_kubeconfigs(self.folder / "pki", self.name, record.port)
        config.write(self.folder, self.name, record.port, programs)
        network.create(self.name)
        roots = [self.folder / str(n) / "containerd" for n in config.NODES]
        if not all(root.exists() for root in roots):
            seed.fill()
            for root in roots:
                seed.plant(root)

    def _wait(self, began: float) -> None:
        def alive(ready: object) -> object:
            if ready:
                return ready
            if dead := [n for n in node.ALL if not node.pid(self.folder, n)]:
                told = "".join(f"\n{logs.tail(self.folder / str(n) / 'log/node.log', 3)}" for n in dead)
                raise CannotRun(f"Node {', '.join(map(str, dead))} of {self.name} ended:{told}")
            return None

        def step(seconds: float, what: str, check: object) -> None:
            assert callable(check)
            until(seconds, f"{what} of {self.name} (see 'logs --name {self.name}')", lambda: alive(check()))
            say(f"  {what}: {time.monotonic() - began:.0f} s")

        names = {config.node_name(self.name, n) for n in config.NODES}
        step(120, "API", lambda: api.get(self.kubeconfig, "/readyz")[0] == 200)
        step(120, "nodes Ready", lambda: api.ready_nodes(self.kubeconfig) >= names)
        store.bring_to_all({f"node {n}": self.socket(n) for n in config.NODES})
        self.kubectl("apply", "-f", str(HERE / "manifests"))
        self.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")
        step(60, "DNS", self._resolves)

    def _resolves(self) -> bool:
        name = "kubernetes.default.svc.cluster.local"
        code = f"import sys; sys.path.insert(0, {str(HERE.parent.parent)!r}); from tests.localcluster import dns;"
        try:
            found = run(network.within(self.name, sys.executable, "-c", f"{code} print(*dns.resolve({name!r}))"))
        except CannotRun:
            return False
        return config.API_SERVICE_IP in found.split()

    def kubectl(self, *arguments: str) -> str:
        """Runs kubectl as the cluster's admin."""
        program = binaries.programs()["hyperkube"].folder() / "kubectl"
        return run([str(program), "--kubeconfig", str(self.kubeconfig), *arguments])

    def socket(self, n: int) -> Path:
        """The socket of node n's containerd."""
        return self.folder / str(n) / "containerd.sock"

    def kill(self) -> None:
        """Kills every process at once; objects, volumes, images and certificates stay for the next `up`."""
        with ThreadPoolExecutor() as pool:  # at once: the kernel takes a second or two to end each
            list(pool.map(lambda n: node.stop(self.folder, n), node.ALL))

    def down(self) -> None:
        """Removes everything of the cluster but the caches."""
        self.kill()
        network.delete(self.name)
        node.remove_mount_points()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            run(["rm", "-rf", str(self.folder)])

    def stop(self, n: int) -> None:
        """Node n loses power."""
        node.stop(self.folder, n)

    def start(self, n: int) -> None:
        """Node n gets power again; returns at once."""
        node.start(self.folder, self.name, n)

    def load_images(self) -> None:
        """Imports the images that running nodes lack; one that does not run gets them at `up`."""
        sockets = {f"node {n}": self.socket(n) for n in config.NODES if node.pid(self.folder, n)}
        if sockets:
            store.bring_to_all(sockets)
        else:
            binaries.build_all()
            store.put_own_images()
            seed.fill()

    def logs(self, lines: int) -> str:
        """The last lines of every daemon's log."""
        return logs.tails(self.folder, lines)

    def status(self) -> dict[str, object]:
        """What runs, as data for `status --json`."""
        record = load(self.name)
        if not record:
            return {"name": self.name, "provider": "embedded", "exists": False}
        ready = api.ready_nodes(self.kubeconfig)
        nodes = [
            {
                "number": n,
                "name": config.node_name(self.name, n) if n else "control plane",
                "running": bool(node.pid(self.folder, n)),
                **({"ready": config.node_name(self.name, n) in ready} if n else {}),
            }
            for n in node.ALL
        ]
        return {
            "name": self.name,
            "provider": "embedded",
            "exists": True,
            "kubeconfig": str(self.kubeconfig),
            "server": f"https://127.0.0.1:{record.port}",
            "networkNamespace": self.name,
            "nodes": nodes,
            "volumesPath": VOLUMES_IN_NODE,
            "volumesNode": config.node_name(self.name, 1),
            "volumesNodeLabel": f"{config.VOLUMES_LABEL}=true",
            "volumes": list(config.VOLUMES),
            "volumesPathOnHost": str(self.folder / "1/volumes"),
        }

    def environment(self) -> dict[str, str]:
        """The variables that let a person use kubectl; PATH holds only what goes before theirs."""
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": str(binaries.programs()["hyperkube"].folder())}
