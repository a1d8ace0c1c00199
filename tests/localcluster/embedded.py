"""The provider `embedded`: a real Kubernetes with two nodes on this machine, without a container engine."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import api, binaries, config, logs, network, node, pki, preflight, seed, store
from .paths import HERE, VOLUMES_IN_NODE, state
from .record import Record, all_records, load
from .say import CannotRun, run, say, until


class Embedded:
    """One embedded cluster; every method may be called at any time."""

    provider = "embedded"
    workers: tuple[int, ...] = config.NODES
    """The numbers of the nodes that run as processes, besides the control plane."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = state(name)
        self.kubeconfig = self.folder / "pki/admin.kubeconfig"

    def up(self) -> None:
        """Starts what does not run and waits until the nodes are Ready and the DNS answers. Raises CannotRun."""
        preflight.check_machine()
        preflight.install_packages()
        programs = self._programs()
        began = time.monotonic()
        running = [n for n in self._all() if node.pid(self.folder, n)]
        if len(running) < len(self._all()):
            self._prepare(programs, running)
            for n in self._all():
                node.start(self.folder, self.name, n)
        self._wait(began)

    def _all(self) -> tuple[int, ...]:
        return (config.CONTROL_PLANE, *self.workers)

    def _programs(self) -> str:
        """Builds the programs of the nodes, and returns their folders as a PATH."""
        built = binaries.build_all()
        store.put_own_images()
        return built

    def _prepare(self, programs: str, running: list[int]) -> None:
        record = load(self.name) or Record(self.name, self.provider)
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
        config.write(self.folder, self.name, record.port, programs, self.workers)
        network.create(self.name)
        self._plant_images()

    def _plant_images(self) -> None:
        roots = [self.folder / str(n) / "containerd" for n in self.workers]
        if not all(root.exists() for root in roots):
            seed.fill()
            for root in roots:
                seed.plant(root)

    def _wait(self, began: float) -> None:
        names = {config.node_name(self.name, n) for n in config.NODES}
        self._step(began, 120, "API", lambda: api.get(self.kubeconfig, "/readyz")[0] == 200)
        self._make_nodes()
        self._step(began, 120, "nodes Ready", lambda: api.ready_nodes(self.kubeconfig) >= names)
        self._add_on(began)

    def _make_nodes(self) -> None:
        """Does nothing, because each kubelet creates its Node itself."""

    def _add_on(self, began: float) -> None:
        """Adds what needs running nodes: the images, and the DNS."""
        store.bring_to_all({f"node {n}": self.socket(n) for n in self.workers})
        self.kubectl("apply", "-f", str(HERE / "manifests"))
        self.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")
        self._step(began, 60, "DNS", self._resolves)

    def _step(self, began: float, seconds: float, what: str, check: Callable[[], object]) -> None:
        def alive(ready: object) -> object:
            if ready:
                return ready
            if dead := [n for n in self._all() if not node.pid(self.folder, n)]:
                tails = "".join(f"\n{logs.tail(self.folder / str(n) / 'log/node.log', 3)}" for n in dead)
                raise CannotRun(f"Node {', '.join(map(str, dead))} of {self.name} ended:{tails}")
            return None

        until(seconds, f"{what} of {self.name} (see 'logs --name {self.name}')", lambda: alive(check()))
        say(f"  {what}: {time.monotonic() - began:.0f} s")

    def _resolves(self) -> bool:
        name = "kubernetes.default.svc.cluster.local"
        code = f"import sys; sys.path.insert(0, {str(HERE.parent.parent)!r}); from tests.localcluster import dns;"
        try:
            addresses = run(network.within(self.name, sys.executable, "-c", f"{code} print(*dns.resolve({name!r}))"))
        except CannotRun:
            return False
        return config.API_SERVICE_IP in addresses.split()

    def kubectl(self, *arguments: str) -> str:
        """Runs kubectl as the cluster's admin."""
        program = binaries.programs()["hyperkube"].folder() / "kubectl"
        return run([str(program), "--kubeconfig", str(self.kubeconfig), *arguments])

    def socket(self, n: int) -> Path:
        """Returns the socket of node n's containerd."""
        return self.folder / str(n) / "containerd.sock"

    def kill(self) -> None:
        """Kills every process at once; objects, volumes, images and certificates stay for the next `up`."""
        with ThreadPoolExecutor() as pool:  # in parallel, because the kernel takes a second or two to end each node
            list(pool.map(lambda n: node.stop(self.folder, n), self._all()))

    def down(self) -> None:
        """Removes the cluster and everything it holds; the caches stay."""
        self.kill()
        network.delete(self.name)
        node.remove_mount_points()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            run(["rm", "-rf", str(self.folder)])

    def stop(self, n: int) -> None:
        """Cuts the power of node n."""
        node.stop(self.folder, n)

    def start(self, n: int) -> None:
        """Starts node n again; returns at once."""
        node.start(self.folder, self.name, n)

    def load_images(self) -> None:
        """Imports the images that running nodes lack; a stopped cluster gets them at `up`."""
        sockets = {f"node {n}": self.socket(n) for n in self.workers if node.pid(self.folder, n)}
        if sockets:
            store.bring_to_all(sockets)
        else:
            binaries.build_all()
            store.put_own_images()
            seed.fill()

    def load_addon(self, images: Sequence[str], programs: Sequence[str]) -> None:
        """Imports an addon's images as all others, because they lie in the same layout."""
        self.load_images()

    def trust_registry(self, host: str, address: str) -> None:
        """Writes what containerd reads at each pull; the names of Services mean nothing to it."""
        for n in self.workers:
            file = self.folder / str(n) / config.REGISTRIES / host / "hosts.toml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(config.hosts_toml(address))

    def logs(self, lines: int) -> str:
        """Returns the last lines of every daemon's log."""
        return logs.tails(self.folder, lines)

    def status(self) -> dict[str, object]:
        """Returns what runs, as data for `status --json`."""
        record = load(self.name)
        if not record:
            return {"name": self.name, "provider": self.provider, "exists": False}
        ready = api.ready_nodes(self.kubeconfig)
        nodes = [
            {
                "number": n,
                "name": config.node_name(self.name, n) if n else "control plane",
                "running": bool(node.pid(self.folder, n)),
                **({"ready": config.node_name(self.name, n) in ready} if n else {}),
            }
            for n in self._all()
        ]
        return {
            "name": self.name,
            "provider": self.provider,
            "exists": True,
            "kubeconfig": str(self.kubeconfig),
            "server": f"https://127.0.0.1:{record.port}",
            "networkNamespace": self.name,
            "nodes": nodes,
            **(self._volumes() if self.workers else {}),
        }

    def _volumes(self) -> dict[str, object]:
        return {
            "volumesPath": VOLUMES_IN_NODE,
            "volumesNode": config.node_name(self.name, 1),
            "volumesNodeLabel": f"{config.VOLUMES_LABEL}=true",
            "volumes": list(config.VOLUMES),
            "volumesPathOnHost": str(self.folder / "1/volumes"),
        }

    def environment(self) -> dict[str, str]:
        """Returns the variables that let a person use kubectl; PATH holds only the folders to put before theirs."""
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": str(binaries.programs()["hyperkube"].folder())}
