"""Brings addons to a cluster that runs. Run again, it changes only what is not as it should be."""

import json
from collections.abc import Collection

from tests.localcluster import access, binaries, images, oci, preflight, providers, rollouts
from tests.localcluster.paths import locked
from tests.localcluster.say import CannotRun, say

from . import charts, gateway, keda, metrics_server
from .parts import Addon, Object

_CRDS_ALONE = "gateway-crds"
NAMES = ("gateway", _CRDS_ALONE, "metrics-server", "keda")
# Measured: the caches of Go 4.4 GB and for KEDA 5.0, programs, images and two nodes' copies the rest.
COLD_GB = 11
_REFUSED = {
    "kwok": "The nodes of {} are played, so no addon runs there: use a cluster of the provider embedded or kind.",
    "current": "The cluster of kubectl's current context is not ours to add to: use its own tools.",
}


def add(cluster: str, names: Collection[str], provider_asked: str = "auto") -> None:
    """Builds what is missing and waits until each addon works. Raises CannotRun with a sentence."""
    name = providers.name_of(cluster, provider_asked)
    programs = [one for one in names if one != _CRDS_ALONE]
    if name in _REFUSED and (programs or name != "kwok"):
        raise CannotRun(_REFUSED[name].format(cluster))
    provider = providers.pick(cluster, name)
    _check_answers(cluster, provider)
    if _CRDS_ALONE in names:
        _apply_crds(cluster, gateway.crds())
    wanted = [_addon(one, name) for one in programs]
    if wanted:
        _build(wanted, provider)
    for addon in wanted:
        with locked(f"cluster-{cluster}"):
            provider.load_addon(addon.dockerfiles, list(addon.images.values()))
        _apply(cluster, addon)


def _addon(name: str, provider: str) -> Addon:
    if name == "gateway":
        return gateway.addon()
    if name == "keda":
        return keda.addon()
    return metrics_server.addon(kubelets_have_certificates=provider == "embedded")


def _check_answers(cluster: str, provider: providers.Provider) -> None:
    if not provider.status()["exists"]:
        raise CannotRun(f"There is no cluster {cluster}; start it with 'up --name {cluster}'.")
    try:
        access.kubectl(cluster, "get", "--raw", "/readyz", "--request-timeout=10s")
    except CannotRun as problem:
        raise CannotRun(
            f"The cluster {cluster} does not answer; start it with 'up --name {cluster}'.\n{problem}"
        ) from None


def _build(wanted: list[Addon], provider: providers.Provider) -> None:
    programs = [charts.helm(), *(addon.program for addon in wanted)]
    if not all(program.built() for program in programs):
        preflight.check_space(COLD_GB, "the addons' first build")
    for addon in wanted:
        folder = binaries.build(addon.program)
        for file, image in addon.images.items():
            with locked("oci"):
                oci.put_program(image, folder / file, f"/{file}", user=addon.user)
        addon.rendered()
        if addon.dockerfiles:
            images.build_all(providers.builder(provider), addon.dockerfiles)


def _apply(cluster: str, addon: Addon) -> None:
    say(f"adding {addon.name}")
    made = addon.rendered()
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": addon.namespace}}
    if made.crds:
        _apply_crds(cluster, made.crds)
    _apply_all(cluster, [namespace, *sorted(made.objects, key=_is_late), *addon.objects])
    rollouts.wait_ready(cluster, addon.namespace, addon.name, also=lambda: addon.works(cluster))


def _apply_crds(cluster: str, crds: list[Object]) -> None:
    _apply_all(cluster, crds)
    kinds = [f"crd/{one['metadata']['name']}" for one in crds if one["kind"] == "CustomResourceDefinition"]
    access.kubectl(cluster, "wait", "--for=condition=Established", *kinds, "--timeout=60s")


def _apply_all(cluster: str, objects: list[Object]) -> None:
    """On the server's side: the largest CRDs don't fit into the annotation that the client's side would leave."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


def _is_late(one: Object) -> bool:
    """Helm runs these hooks before all else: here they make the certificates that the controller starts with."""
    return "pre-install" not in one["metadata"].get("annotations", {}).get("helm.sh/hook", "")
