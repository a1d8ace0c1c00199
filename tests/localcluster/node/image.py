"""The image of the nodes: kindest/node, or one that kind's own builder makes where that can't be pulled."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from tests.common.paths import cache, locked
from tests.common.say import run, run_slow, say
from tests.localcluster import base, binaries, engine, machine

HERE = Path(__file__).parent
PULLED = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
_OURS = "localhost/modelyard"
# Target in images.Dockerfile -> the archive's name, of which kind takes these four whatever is in them, and words in
# the names under which the nodes ask for the image.
_TARGETS = {
    "kubernetes": ("kube-apiserver", ("/kube-", "/etcd:", "kindnetd")),
    "coredns": ("kube-controller-manager", ("coredns",)),
    "pause": ("kube-scheduler", ("pause", "path-helper")),
    "storage": ("kube-proxy", ("path-provisioner",)),
}


def name() -> str:
    """Returns the name of the nodes' image, after the engine has it; the first build takes half an hour."""
    parts = [program.key() for program in binaries.of_a_node()]
    parts += [path.read_text() for path in sorted(HERE.glob("*.Dockerfile"))]
    key = hashlib.sha256("\0".join((*parts, *binaries.KIND_MODULE)).encode()).hexdigest()[:16]
    chosen = f"{_OURS}/node:{key}"
    with locked("node-image"):
        if base.pulled(PULLED, chosen):
            chosen = PULLED
        elif not base.exists(chosen):
            _build(chosen)
        if machine.has_sys_resource():
            return chosen
        restricted = f"{_OURS}/restricted-node:{hashlib.sha256(chosen.encode()).hexdigest()[:16]}"
        if not base.exists(restricted):
            engine.build(restricted, HERE / "restricted.Dockerfile", HERE, "--build-arg", f"NODE_IMAGE={chosen}")
        return restricted


def _build(tag: str) -> None:
    # Measured: Go's caches need 12 GB, the images of the engine the rest.
    machine.check_space(30, "the nodes' image, and the project's")
    folders = [binaries.build(program) for program in binaries.of_a_node()]
    kind, module = binaries.build(binaries.kind()) / "kind", binaries.module(*binaries.KIND_MODULE)
    debian = ("--build-arg", f"BASE_IMAGE={base.substitute()}")
    say("building the nodes' image by 'kind build node-image', because kindest/node can't be pulled here")
    shutil.rmtree(context := cache() / "node-image", ignore_errors=True)
    try:
        for path in folders:
            shutil.copytree(path, context, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(module / "images/base/files", context / "files")
        for path in (context / "files").rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        engine.build(f"{_OURS}/node-base:dev", HERE / "base.Dockerfile", context, *debian)
        for target in _TARGETS:
            flags = ("--target", target, *debian)
            engine.build(f"{_OURS}/node-{target}:dev", HERE / "images.Dockerfile", context, *flags)
        _bundle(context, _needed(context / "kubeadm", module))
        argv = [str(kind), "build", "node-image", "--type", "file", "--base-image", f"{_OURS}/node-base:dev"]
        environment = {**engine.environment(), "TMPDIR": str(context)}  # kind leaves what it unpacks
        argv += ["--image", tag, str(context / "bundle.tar.gz")]
        run_slow("node image", argv, cache() / "log/node-image.log", env=environment)
        old = engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        for image in old:
            if re.match(rf"{_OURS}/(restricted-)?node:", image) and image != tag:
                engine.docker("image", "rm", "--force", image)  # a node that runs keeps its layers
    finally:
        shutil.rmtree(context, ignore_errors=True)


def _needed(kubeadm: Path, module: Path) -> list[str]:
    """Returns the names of the images that kubeadm and kind's manifests ask for."""
    listed = run([str(kubeadm), "config", "images", "list", "--kubernetes-version", binaries.KUBERNETES]).split()
    texts = {
        "images/base/files/etc/containerd/config.toml": r'sandbox_image = "(.+?)"',
        "pkg/build/nodeimage/const_cni.go": r'Image = "(.+?)"',
        "pkg/build/nodeimage/const_storage.go": r'Image = "(.+?)"',
    }
    more = [found for file, pattern in texts.items() for found in re.findall(pattern, (module / file).read_text())]
    return [*(image for image in listed if "/pause:" not in image), *more]


def _bundle(context: Path, names: list[str]) -> None:
    """Writes what kind takes for a release of Kubernetes: programs, and archives of images with all names it needs."""
    programs = context / "kubernetes/server/bin"
    programs.mkdir(parents=True)
    (context / "kubernetes/version").write_text(binaries.KUBERNETES)
    for program in ("kubeadm", "kubelet", "kubectl"):
        (programs / program).write_text(f'#!/bin/sh\nexec /opt/hyperkube/{program} "$@"\n')
        (programs / program).chmod(0o755)
    for target, (archive, words) in _TARGETS.items():
        saved, folder = context / "saved", context / f"saved-{target}"
        engine.docker("save", "--output", str(saved), f"{_OURS}/node-{target}:dev")
        shutil.unpack_archive(saved, folder, "tar")
        (manifest,) = json.loads((folder / "manifest.json").read_text())
        # Docker leaves docker.io/ out of names, and kind then misses the image.
        manifest["RepoTags"] = [name for name in names if any(word in name for word in words)]
        (folder / "manifest.json").write_text(json.dumps([manifest]))
        parts = {path.name for path in folder.iterdir()} - {"repositories", "index.json", "oci-layout"}
        run(["tar", "-C", str(folder), "-cf", str(programs / f"{archive}.tar"), *sorted(parts)])
    run(["tar", "-C", str(context), "-I", "gzip -1", "-cf", str(context / "bundle.tar.gz"), "kubernetes"])
