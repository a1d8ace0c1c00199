"""Checks what kind is asked for, and what runs the containers where a capability is missing."""

import json
import os
import string
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.localcluster import binaries, kind
from tests.localcluster.paths import HERE, VOLUMES_IN_NODE


def configuration(file: str) -> dict[str, object]:
    text = string.Template((HERE / file).read_text()).substitute(address="127.0.0.1", port=1, volumes="/v")
    return dict(yaml.safe_load(text))


def test_volumes_lie_on_the_first_worker_at_the_path_that_manifests_name() -> None:
    nodes = configuration("cluster.yaml")["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker"]  # type: ignore[attr-defined]
    assert nodes[1]["extraMounts"] == [{"hostPath": "/v", "containerPath": VOLUMES_IN_NODE}]  # type: ignore[index]


@pytest.mark.parametrize("file", ["cluster.yaml", "played/cluster.yaml"])
def test_every_patch_is_yaml_of_a_kind(file: str) -> None:
    patches = [yaml.safe_load(patch) for patch in configuration(file)["kubeadmConfigPatches"]]  # type: ignore[attr-defined]
    assert {patch["kind"] for patch in patches} == {"KubeletConfiguration", "ClusterConfiguration"}


def test_a_cluster_is_known_by_what_kind_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_STATE", str(tmp_path))
    assert not kind.exists("yard")
    (tmp_path / "yard").mkdir()
    (tmp_path / "yard/kind.yaml").write_text((HERE / "played/cluster.yaml").read_text())
    assert kind.played("yard")
    assert kind.numbers("yard") == (0,)
    (tmp_path / "yard/kind.yaml").write_text((HERE / "cluster.yaml").read_text())
    assert not kind.played("yard")
    assert [kind.container("yard", n) for n in kind.numbers("yard")] == [
        "yard-control-plane",
        "yard-worker",
        "yard-worker2",
    ]


@pytest.mark.parametrize("command", ["create", "run", "exec"])
def test_a_container_starts_without_the_missing_capability(command: str, tmp_path: Path) -> None:
    process = {"oomScoreAdj": -1, "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"]}, "args": ["x"]}
    file = tmp_path / ("process.json" if command == "exec" else "config.json")
    file.write_text(json.dumps(process if command == "exec" else {"process": process, "root": {}}))
    real = tmp_path / "real"
    real.mkdir()
    (real / "runc").write_text('#!/bin/sh\necho "$@"\n')
    (real / "runc").chmod(0o755)
    flags = ["--process", str(file)] if command == "exec" else ["--bundle", str(tmp_path)]
    path = f"{HERE / 'restricted'}:{real}:{os.environ['PATH']}"
    argv = [str(HERE / "restricted/runc"), command, *flags, "name"]
    done = subprocess.run(argv, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [command, *flags, "name"]
    written = json.loads(file.read_text())
    kept = written if command == "exec" else written["process"]
    assert kept == {"capabilities": {"bounding": ["CAP_CHOWN"]}, "args": ["x"]}


def test_a_programs_key_changes_with_its_sources(tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum", "main.go", "other.go"):
        (tmp_path / name).write_text(name)
    keys = {binaries.own("x", tmp_path).key()}
    for name in ("go.mod", "go.sum", "main.go", "other.go"):
        (tmp_path / name).write_text(f"{name} changed")
        keys.add(binaries.own("x", tmp_path).key())
    keys.add(binaries.own("x", tmp_path, flags="-s").key())
    assert len(keys) == 6
