"""Checks the exact commands of the provider `kind`, without running them: these tests have no Docker engine."""

from pathlib import Path

import pytest
import yaml

from tests.localcluster import docker, images, kind, providers
from tests.localcluster.paths import HERE
from tests.localcluster.record import Record

FOLDER = Path("/state/yard")

EXPECTED = {
    "up": [
        "kind create cluster --name yard --config /state/yard/kind.yaml --kubeconfig /state/yard/kubeconfig --wait 180s"
    ],
    "settle": [
        f"kubectl --kubeconfig /state/yard/kubeconfig apply -f {HERE}/manifests/storage.yaml",
        "kubectl --kubeconfig /state/yard/kubeconfig wait --for=condition=Ready node --all --timeout=180s",
        "kubectl --kubeconfig /state/yard/kubeconfig -n kube-system rollout status deployment/coredns --timeout=180s",
    ],
    "restart": ["docker start yard-control-plane yard-worker yard-worker2"],
    "down": ["kind delete cluster --name yard --kubeconfig /state/yard/kubeconfig"],
    "kill": ["docker kill yard-control-plane yard-worker yard-worker2"],
    "archive": ["kind load image-archive /state/yard/programs.tar --name yard"],
    "logs": ["kind export logs /state/yard/logs --name yard"],
}


@pytest.mark.parametrize("action", EXPECTED)
def test_commands(action: str) -> None:
    assert [" ".join(argv) for argv in kind.commands(action, "yard", FOLDER)] == EXPECTED[action]


def test_loading_images() -> None:
    refs = ["localhost/modelyard/operator:dev", "localhost/modelyard/server:dev"]
    assert kind.commands("images", "yard", FOLDER, images=refs) == [
        ["kind", "load", "docker-image", *refs, "--name", "yard"]
    ]


def test_nodes_trust_a_registry() -> None:
    host, address = "registry.modelyard-registry.svc:5000", "10.96.7.7:5000"
    folder = f"/etc/containerd/certs.d/{host}"
    write = f"mkdir -p {folder} && echo 'server = \"http://{address}\"' > {folder}/hosts.toml"
    assert kind.commands("trust", "yard", FOLDER, host=host, address=address) == [
        ["docker", "exec", node, "sh", "-c", write] for node in ("yard-control-plane", "yard-worker", "yard-worker2")
    ]


@pytest.mark.parametrize(("n", "container"), [(0, "yard-control-plane"), (1, "yard-worker"), (2, "yard-worker2")])
def test_power_of_a_node(n: int, container: str) -> None:
    assert kind.commands("stop", "yard", FOLDER, n=n) == [["docker", "kill", container]]
    assert kind.commands("start", "yard", FOLDER, n=n) == [["docker", "start", container]]


def test_docker_builds_the_same_dockerfiles() -> None:
    assert " ".join(images.docker_build("server")) == (
        "docker build --build-arg BASE_IMAGE=python:3.11-slim -f images/server/Dockerfile"
        " -t localhost/modelyard/server:dev ."
    )


def test_configuration() -> None:
    config = yaml.safe_load(kind.kind_config(Path("/state/yard/volumes")))
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    first = config["nodes"][1]
    assert first["extraMounts"] == [
        {"hostPath": "/state/yard/volumes", "containerPath": "/var/lib/modelyard/volumes"},
    ]
    assert first["labels"] == {"modelyard.dev/node": "1", "modelyard.dev/local-volumes": "true"}


def test_which_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_STATE", str(tmp_path))
    monkeypatch.setattr(docker, "answers", lambda: True)
    assert providers.name_of("yard", "auto") == "kind"
    assert providers.name_of("yard", "embedded") == "embedded"
    Record("yard", "embedded", 16443).save()
    assert providers.name_of("yard", "auto") == "embedded", "a cluster stays with what it was made with"
    monkeypatch.setattr(docker, "answers", lambda: False)
    assert providers.name_of("other", "auto") == "embedded"
