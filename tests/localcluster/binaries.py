"""Builds Go programs from their modules, and keeps each under a key of all that decides its bytes."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.common.paths import cache, locked
from tests.common.say import CannotRun, run, run_slow, say

from .paths import HERE

KUBERNETES = "v1.37.2"
KIND_MODULE = ("sigs.k8s.io/kind", "v0.33.0")
_STRIP = "-s -w"


@dataclass(frozen=True)
class Program:
    """One Go build: the files that it makes, and what decides their content."""

    name: str
    command: tuple[str, ...]  # after `go`
    makes: tuple[str, ...]
    links: tuple[str, ...] = ()  # other names of the first file
    source: Path | None = None  # the folder of the module, where it is one of this repository
    sources: tuple[Path, ...] = ()
    module: tuple[str, str] | None = None
    """Path and version of the module in whose folder it is built, because ``go install`` refuses a module with
    ``replace`` directives."""

    def key(self) -> str:
        """Returns 16 hex digits of a hash of what decides the content."""
        words = (*self.command, *self.makes, *self.links, *(self.module or ()))
        digest = hashlib.sha256("\0".join(words).encode())
        for path in self.sources:
            digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    def folder(self) -> Path:
        """Returns the folder of the built files."""
        return cache() / "bin" / f"{self.name}-{self.key()}"

    def built(self) -> bool:
        """Returns whether all files of the build exist."""
        return all((self.folder() / name).exists() for name in (*self.makes, *self.links))


def own(name: str, module: Path, links: tuple[str, ...] = (), flags: str = _STRIP, package: str = ".") -> Program:
    """Returns the ``go build`` of a package in a module of this repository; ``flags`` are the linker's."""
    sources = (module / "go.mod", module / "go.sum", *sorted((module / package).glob("*.go")))
    build = ("build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", flags, package)
    return Program(name, build, (name,), links, module, sources)


def install(name: str, packages: list[str], *flags: str) -> Program:
    """Returns the ``go install`` of packages that name their versions."""
    makes = tuple(package.partition("@")[0].rsplit("/", 1)[-1] for package in packages)
    return Program(name, ("install", "-v", "-ldflags", _STRIP, *flags, *packages), makes)


def inside(name: str, module: tuple[str, str], packages: list[str], *flags: str) -> Program:
    """Returns the ``go build`` of packages of a module (path, version), in the module's own folder."""
    makes = tuple(name if package == "." else package.rsplit("/", 1)[-1] for package in packages)
    return Program(name, ("build", "-v", *flags, "-ldflags", _STRIP, *packages), makes, module=module)


def hyperkube() -> Program:
    """Returns one program that is all of Kubernetes' own, by the name that it is called by."""
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    # Without these linker flags clients would see v0.0.0.
    about = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = " ".join([_STRIP, *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in about.items())])
    return own("hyperkube", HERE / "hyperkube", ("kubelet", "kubeadm", "kubectl"), flags)


def of_a_node() -> list[Program]:
    """Returns all that the image of a node has besides Debian's packages, the largest first."""
    containerd = ("containerd", "containerd-shim-runc-v2", "ctr")
    packages = [f"github.com/containerd/containerd/v2/cmd/{name}@v2.4.2" for name in containerd]
    storage = ("github.com/rancher/local-path-provisioner", "v0.0.30")
    return [
        hyperkube(),
        install("containerd", packages, "-tags", "no_btrfs no_devmapper no_zfs no_aufs"),
        own("coredns", HERE / "hyperkube", package="./coredns"),
        install("crictl", ["sigs.k8s.io/cri-tools/cmd/crictl@v1.37.0"]),
        inside("local-path-provisioner", storage, ["."], "-mod=readonly"),
    ]


def kwok() -> Program:
    """Returns KWOK, which plays nodes."""
    return install("kwok", ["sigs.k8s.io/kwok/cmd/kwok@v0.8.0"])


def kind() -> Program:
    """Returns kind itself, for machines that do not have it."""
    return install("kind", ["@".join(KIND_MODULE)])


def module(path: str, version: str) -> Path:
    """Returns a module's folder, which is downloaded if it is missing."""
    return Path(json.loads(run(["go", "-C", str(cache()), "mod", "download", "-json", f"{path}@{version}"]))["Dir"])


def build(program: Program) -> Path:
    """Builds one program unless it is built, and returns its folder. Raises CannotRun if that fails."""
    if program.built():
        return program.folder()
    if not shutil.which("go"):
        raise CannotRun(
            "Go is not installed, and the cluster's programs are not built yet: install Go 1.26 or newer"
            " (https://go.dev/dl) and run this again."
        )
    with locked(f"build-{program.name}"):
        if program.built():  # the previous holder of the lock may have built it
            return program.folder()
        for part in program.folder().parent.glob(f"{program.name}-*.part"):
            shutil.rmtree(part)
        target = program.folder().with_suffix(".part")
        target.mkdir(parents=True)
        where = program.source or (module(*program.module) if program.module else cache())
        action, *arguments = program.command
        argv = ["go", "-C", str(where), action, *(["-o", f"{target}/"] if action == "build" else []), *arguments]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(target)}
        say(f"building {program.name} (minutes the first time, kept in {program.folder().parent})")
        run_slow(program.name, argv, cache() / "log" / f"build-{program.name}.log", env=environment)
        for link in program.links:
            (target / link).symlink_to(program.makes[0])
        target.rename(program.folder())
    return program.folder()
