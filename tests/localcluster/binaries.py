"""Builds the cluster's own programs from Go modules, and keeps each under a key of all that decides its bytes."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .paths import HERE, cache, locked
from .say import CannotRun, run, run_slow, say

GO_MINIMUM = (1, 26)
HYPERKUBE = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kindnetd"),
    *("kubelet", "kubeadm", "kubectl"),
)
"""The names by which one program is called."""
KUBERNETES = "v1.37.2"
_STRIP = "-s -w"


@dataclass(frozen=True)
class Program:
    """One Go build: the files that it makes, its arguments, and the sources that decide the content."""

    name: str
    arguments: tuple[str, ...]  # after `go`
    makes: tuple[str, ...]
    links: tuple[str, ...] = ()  # other names of the first file
    sources: tuple[Path, ...] = field(default=())
    package: str = "."  # of the module in whose folder the first of the sources lies
    module: tuple[str, str] | None = None
    """Path and version of the module in whose folder it is built, because ``go install`` refuses a module with
    ``replace`` directives."""

    def key(self) -> str:
        """Returns 16 hex digits of a hash of the arguments and the sources."""
        words = (*self.arguments, *self.makes, *self.links, *(self.module or ()))
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


def _hyperkube() -> Program:
    module = HERE / "hyperkube"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    # Without these linker flags clients would see v0.0.0.
    about = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = " ".join([_STRIP, *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in about.items())])
    return own("hyperkube", module, HYPERKUBE, flags)


def own(name: str, module: Path, links: tuple[str, ...] = (), flags: str = _STRIP, package: str = ".") -> Program:
    """Returns the ``go build`` of a package in a module of this repository; ``flags`` are the linker's."""
    sources = (module / "go.mod", module / "go.sum", *sorted((module / package).glob("*.go")))
    build = ("build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", flags)
    return Program(name, build, (name,), links, sources, package)


def _coredns() -> Program:
    """Returns CoreDNS with the few plugins that the cluster's Corefile names, from hyperkube's module."""
    return own("coredns", HERE / "hyperkube", package="./coredns")


def install(name: str, packages: list[str], makes: list[str], tags: str = "") -> Program:
    """Returns the ``go install`` of packages that name their versions."""
    tagged = ("-tags", tags) if tags else ()
    return Program(name, ("install", "-v", "-ldflags", _STRIP, *tagged, *packages), tuple(makes))


def inside(name: str, module: str, version: str, packages: list[str], *flags: str) -> Program:
    """Returns the ``go build`` of packages of a module, in the module's own folder."""
    makes = tuple(name if package == "." else package.rsplit("/", 1)[-1] for package in packages)
    return Program(name, ("-v", *flags, "-ldflags", _STRIP, *packages), makes, module=(module, version))


def programs() -> dict[str, Program]:
    """Returns all builds that real nodes need, by name, the largest first."""
    containerd = "github.com/containerd/containerd/v2/cmd"
    names = ["containerd", "containerd-shim-runc-v2", "ctr"]
    return {
        "hyperkube": _hyperkube(),
        "containerd": install(
            "containerd",
            [f"{containerd}/{name}@v2.4.2" for name in names],
            names,
            "no_btrfs no_devmapper no_zfs no_aufs",
        ),
        "coredns": _coredns(),
        "crictl": install("crictl", ["sigs.k8s.io/cri-tools/cmd/crictl@v1.37.0"], ["crictl"]),
        "local-path-provisioner": inside(
            "local-path-provisioner", "github.com/rancher/local-path-provisioner", "v0.0.30", ["."], "-mod=readonly"
        ),
    }


def kwok() -> Program:
    """Returns KWOK, which simulates nodes in clusters without kubelets."""
    return install("kwok", ["sigs.k8s.io/kwok/cmd/kwok@v0.8.0"], ["kwok"])


KIND_MODULE = ("sigs.k8s.io/kind", "v0.33.0")


def kind() -> Program:
    """Returns kind itself, for machines that do not have it."""
    return install("kind", ["@".join(KIND_MODULE)], ["kind"])


def missing() -> list[str]:
    """Returns the names of the programs that are not built yet."""
    return [name for name, program in programs().items() if not program.built()]


def check_go() -> None:
    """Raises CannotRun unless a Go that can build the programs is on PATH."""
    minimum = ".".join(map(str, GO_MINIMUM))
    if not shutil.which("go"):
        raise CannotRun(
            f"Go is not installed, and the cluster's programs are not built yet: install Go {minimum} or newer"
            " (https://go.dev/dl) and run this again."
        )
    version = run(["go", "env", "GOVERSION"]).strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if numbers and tuple(map(int, numbers.groups())) < GO_MINIMUM:
        raise CannotRun(f"Go {minimum} or newer is needed to build the cluster's programs, this is {version}.")


def module(path: str, version: str) -> Path:
    """Returns a module's folder, which is downloaded if it is missing."""
    check_go()
    return Path(json.loads(run(["go", "-C", str(cache()), "mod", "download", "-json", f"{path}@{version}"]))["Dir"])


def build(program: Program) -> Path:
    """Builds one program unless it is built, and returns its folder. Raises CannotRun if that fails."""
    if program.built():
        return program.folder()
    check_go()
    with locked(f"build-{program.name}"):
        if program.built():  # the previous holder of the lock may have built it
            return program.folder()
        for part in program.folder().parent.glob(f"{program.name}-*.part"):
            shutil.rmtree(part)
        target = program.folder().with_suffix(".part")
        target.mkdir(parents=True)
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(target)}
        argv = ["go", *program.arguments]
        if program.module:
            argv = ["go", "-C", str(module(*program.module)), "build", "-o", f"{target}/", *program.arguments]
        if program.sources:
            argv = [
                "go",
                "-C",
                str(program.sources[0].parent),
                *program.arguments,
                "-o",
                str(target / program.name),
                program.package,
            ]
        say(f"building {program.name} (minutes the first time, kept in {program.folder().parent})")
        run_slow(program.name, argv, cache() / "log" / f"build-{program.name}.log", env=environment, progress=_packages)
        for link in program.links:
            (target / link).symlink_to(program.makes[0])
        target.rename(program.folder())
    return program.folder()


def _packages(lines: int, last: str) -> str:
    return f"{lines} packages compiled, now {last[:70]}" if lines else "resolving modules"


def build_all(chosen: Iterable[Program] | None = None) -> str:
    """Builds the missing ones of these programs, by default of ``programs``, and returns their folders as a PATH."""
    return ":".join(str(build(program)) for program in chosen or programs().values())
