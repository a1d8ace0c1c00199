"""The image of the nodes: kindest/node, or one that kind's own builder makes where that can't be pulled."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from tests.localcluster import base, binaries, engine, machine
from tests.localcluster.paths import cache, locked
from tests.localcluster.say import run, run_slow, say

HERE = Path(__file__).parent
PULLED = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
_TARGETS = {
    "kubernetes": ("/kube-", "/etcd:", "kindnetd"),
    "coredns": ("coredns",),
    "pause": ("pause", "path-helper"),
    "storage": ("path-provisioner",),
}
"""Target in images.Dockerfile -> words in the names under which the nodes ask for it."""
# kind takes archives of these names only; what is in them is up to the archive.
_ARCHIVES = dict(
    zip(_TARGETS, ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"), strict=True)
)


def name() -> str:
    """Returns the name of the nodes' image, after the engine has it; the first build takes up to an hour."""
    built = f"localhost/modelyard/node:{_key()}"
    with locked("node-image"):
        if base.pulled(PULLED, built):
            built = PULLED
        elif not base.exists(built):
            _build(built)
    return built if machine.has_sys_resource() else _restricted(built)


def _key() -> str:
    """Returns 16 hex digits of a hash of all that decides the built image."""
    parts = [program.key() for program in binaries.programs().values()]
    parts += [path.read_text() for path in sorted(HERE.glob("*.Dockerfile"))]
    return hashlib.sha256("\0".join((*parts, *binaries.KIND_MODULE)).encode()).hexdigest()[:16]


def _restricted(image: str) -> str:
    derived = f"localhost/modelyard/restricted-node:{hashlib.sha256(image.encode()).hexdigest()[:16]}"
    if not base.exists(derived):
        docker_build("restricted.Dockerfile", derived, HERE, NODE_IMAGE=image)
    return derived


def docker_build(file: str, tag: str, context: Path, target: str = "", **arguments: str) -> None:
    more = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    if target:
        more += ["--target", target]
    argv = ["docker", "build", *more, "--file", str(HERE / file), "--tag", tag, str(context)]
    run_slow(
        tag.split("/")[-1].split(":")[0],
        argv,
        cache() / "log" / f"image-{target or 'node'}.log",
        env=engine.environment(),
    )


def _build(tag: str) -> None:
    folders = [Path(folder) for folder in binaries.build_all().split(":")]
    kind = binaries.build(binaries.kind()) / "kind"
    module = binaries.module(*binaries.KIND_MODULE)
    debian = base.substitute()
    say("building the nodes' image with 'kind build node-image': kindest/node can't be pulled here")
    with tempfile.TemporaryDirectory(prefix="modelyard-node-", dir=cache()) as folder:
        context = Path(folder)
        for source in (path for each in folders for path in each.iterdir()):
            (shutil.copy2 if not source.is_symlink() else _link)(source, context / source.name)
        shutil.copytree(module / "images/base/files", context / "files")
        for path in (context / "files").rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        docker_build("base.Dockerfile", "localhost/modelyard/node-base:latest", context, BASE_IMAGE=debian)
        names = _needed(context / "kubeadm", module)
        bundle = context / "kubernetes-server.tar.gz"
        with gzip.open(bundle, "wb", compresslevel=1) as zipped, tarfile.open(fileobj=zipped, mode="w|") as tar:
            _add(tar, "kubernetes/version", binaries.KUBERNETES.encode())
            for program in ("kubeadm", "kubelet", "kubectl"):
                _add(
                    tar, f"kubernetes/server/bin/{program}", f'#!/bin/sh\nexec /opt/hyperkube/{program} "$@"\n'.encode()
                )
            for target, words in _TARGETS.items():
                tags = [name for name in names if any(word in name for word in words)]
                built = f"localhost/modelyard/node-{target}:latest"
                docker_build("images.Dockerfile", built, context, target, BASE_IMAGE=debian)
                engine.docker("save", "--output", str(context / "saved"), built)
                _name(context / "saved", context / "named", tags)
                tar.add(context / "named", f"kubernetes/server/bin/{_ARCHIVES[target]}.tar")
        argv = [
            str(kind),
            "build",
            "node-image",
            "--type",
            "file",
            "--base-image",
            "localhost/modelyard/node-base:latest",
        ]
        environment = {**engine.environment(), "TMPDIR": folder}  # kind leaves what it unpacks
        run_slow("node image", [*argv, "--image", tag, str(bundle)], cache() / "log/node-image.log", env=environment)


def _name(saved: Path, named: Path, tags: list[str]) -> None:
    """Gives an archive these names in full: Docker leaves ``docker.io/`` out, and kind then misses the image."""
    with tarfile.open(saved) as old, tarfile.open(named, "w") as new:
        manifest = json.load(old.extractfile("manifest.json"))  # type: ignore[arg-type]
        _add(new, "manifest.json", json.dumps([{**manifest[0], "RepoTags": tags}]).encode())
        for member in old:
            if member.name not in ("manifest.json", "repositories"):
                new.addfile(member, old.extractfile(member) if member.isfile() else None)


def _link(source: Path, target: Path) -> None:
    target.symlink_to(os.readlink(source))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o755
    tar.addfile(member, io.BytesIO(data))


def _needed(kubeadm: Path, module: Path) -> list[str]:
    """Returns the names that kubeadm and kind's manifests ask for."""
    names = run([str(kubeadm), "config", "images", "list", "--kubernetes-version", binaries.KUBERNETES]).split()
    names = [name for name in names if "/pause:" not in name]
    names += re.findall(
        r'sandbox_image = "(.+?)"', (module / "images/base/files/etc/containerd/config.toml").read_text()
    )
    for file in ("const_cni.go", "const_storage.go"):
        names += re.findall(r'Image = "(.+?)"', (module / "pkg/build/nodeimage" / file).read_text())
    return names
