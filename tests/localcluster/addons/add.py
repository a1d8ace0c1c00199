"""Adds addons to a running cluster. Run again, it changes only what is not as it should be."""

import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from tests.common.paths import locked
from tests.common.say import CannotRun, run, say
from tests.localcluster import access, binaries, images, kind, machine, rollouts
from tests.localcluster import registry as beside

from . import gateway, registry

_CRDS_ALONE = "gateway-crds"
NAMES = ("gateway", _CRDS_ALONE, "metrics-server", "keda", "registry")
# Measured: Go's caches need 4.4 GB, and 5.0 GB for KEDA; programs, images and two nodes' copies need the rest.
_COLD_GB = 11
_MANIFESTS = Path(__file__).parent / "manifests"
_KEDA = ("github.com/kedacore/keda/v2", "v2.21.0")
_METRICS = ("sigs.k8s.io/metrics-server", "v0.9.0")
_HELM = binaries.install("helm", ["helm.sh/helm/v4/cmd/helm@v4.3.1"])
_PROGRAMS = {
    "gateway": binaries.install("envoy-gateway", ["{}/cmd/envoy-gateway@{}".format(*gateway.MODULE)]),
    "metrics-server": binaries.install("metrics-server", ["{}/cmd/metrics-server@{}".format(*_METRICS)]),
    "keda": binaries.inside("keda", _KEDA, ["./cmd/operator", "./cmd/adapter"]),
}
_DOCKERFILES = {"gateway": ("envoy",), "registry": ("docker-registry",)}
"""Addon -> its images that have a Dockerfile in a folder of that name beside this file."""


def add(cluster: str, names: Collection[str]) -> None:
    """Builds what is missing and waits until each addon works. Raises CannotRun with a sentence."""
    chosen = [name for name in names if name != _CRDS_ALONE]
    if chosen and kind.played(cluster):
        raise CannotRun(f"The nodes of {cluster} are played, so no addon runs there: use a cluster with workers.")
    try:
        access.kubectl(cluster, "get", "--raw", "/readyz", "--request-timeout=10s")
    except CannotRun as problem:
        raise CannotRun(
            f"The cluster {cluster} does not answer; start it with 'up --name {cluster}'.\n{problem}"
        ) from None
    if _CRDS_ALONE in names:
        gateway.apply_crds(cluster)
    with locked(f"addons-{cluster}"):  # Helm refuses to change a release that another command changes
        for name in chosen:
            _build(name)
            images.load(cluster, references(name))
            say(f"adding {name}")
            _APPLY[name](cluster)


def references(name: str) -> list[str]:
    """Returns the references of an addon's images."""
    return [images.reference(image) for image in (*_DOCKERFILES.get(name, ()), *_programs(name))]


def _programs(name: str) -> dict[str, str]:
    """Returns image -> file of the program in it."""
    program = _PROGRAMS.get(name)
    return {f"keda-{file}" if name == "keda" else file: file for file in program.makes} if program else {}


def _build(name: str) -> None:
    images.build(_DOCKERFILES.get(name, ()))
    if program := _PROGRAMS.get(name):
        if not (program.built() and _HELM.built()):
            machine.check_space(_COLD_GB, "the addons' first build")
        for image, file in _programs(name).items():
            images.put_program(images.reference(image), binaries.build(program) / file)


def _helm(cluster: str, release: str, namespace: str, chart: Path, *values: Path) -> None:
    argv = [str(binaries.build(_HELM) / "helm"), "upgrade", "--install", release, str(chart), "--namespace", namespace]
    argv += ["--create-namespace", "--kubeconfig", str(access.kubeconfig(cluster)), "--history-max", "1"]
    with tempfile.TemporaryDirectory() as home:  # keeps the settings of the user's own Helm out
        own = dict.fromkeys(("HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"), home)
        run([*argv, *(part for path in values for part in ("--values", str(path)))], env=own)


def _gateway(cluster: str) -> None:
    gateway.apply_crds(cluster)
    chart = gateway.folder() / "charts/gateway-helm"
    # The chart's defaults name images by variables, which our values replace.
    values = (chart / "values.tmpl.yaml", _MANIFESTS / "gateway-values.yaml")
    _helm(cluster, "envoy-gateway", gateway.CONTROLLERS, chart, *values)
    access.kubectl(cluster, "apply", "--server-side", "-f", str(_MANIFESTS / "gateway.yaml"))
    programmed = ("condition=Programmed", f"gateway/{gateway.NAME}", f"--namespace={gateway.NAMESPACE}")
    rollouts.wait_ready(cluster, gateway.CONTROLLERS, "gateway", programmed)


def _metrics_server(cluster: str) -> None:
    chart = binaries.module(*_METRICS) / "charts/metrics-server"
    _helm(cluster, "metrics-server", "kube-system", chart, _MANIFESTS / "metrics-server-values.yaml")
    answers = ("condition=Available", "apiservice/v1beta1.metrics.k8s.io")
    rollouts.wait_ready(cluster, "kube-system", "metrics-server", answers)


def _keda(cluster: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # kustomize takes no resources by absolute paths
        shutil.copytree(binaries.module(*_KEDA) / "config", f"{folder}/config")
        shutil.copy(_MANIFESTS / "keda.yaml", f"{folder}/kustomization.yaml")
        access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-k", folder)
    rollouts.wait_ready(cluster, "keda", "keda", ("condition=Available", "apiservice/v1beta1.external.metrics.k8s.io"))


def _registry(cluster: str) -> None:
    access.kubectl(cluster, "apply", "--server-side", "-f", str(_MANIFESTS / "registry.yaml"))
    rollouts.wait_ready(cluster, registry.NAMESPACE, "registry")
    for host, address in registry.addresses(cluster).items():
        beside.trust(cluster, host, address)
    say(f"  {registry.OPEN} takes images from anybody, {registry.LOCKED} with user {registry.USER} and password")
    say(f"  {registry.PASSWORD}, both by http")


_APPLY = {"gateway": _gateway, "metrics-server": _metrics_server, "keda": _keda, "registry": _registry}
