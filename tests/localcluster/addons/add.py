"""Adds addons to a running cluster. Run again, it changes only what is not as it should be."""

import json
from collections.abc import Collection

from tests.localcluster import access, binaries, images, oci, preflight, providers, rollouts
from tests.localcluster.paths import locked
from tests.localcluster.say import CannotRun, say

from . import charts, gateway, keda, metrics_server, registry
from .parts import Addon, Object

_CRDS_ALONE = "gateway-crds"
NAMES = ("gateway", _CRDS_ALONE, "metrics-server", "keda", "registry")
# Measured: Go's caches need 4.4 GB, and 5.0 GB for KEDA; programs, images and two nodes' copies need the rest.
COLD_GB = 11
_REFUSED = {
    "kwok": "The nodes of {} are played, so no addon runs there: use a cluster of the provider embedded or kind.",
    "current": "The cluster of kubectl's current context is not ours to add to: use its own tools.",
}


def add(cluster: str, names: Collection[str], provider_asked: str = "auto") -> None:
    """Builds what is missing and waits until each addon works. Raises CannotRun with a sentence."""
    name = providers.name_of(cluster, provider_asked)
    programs = [addon for addon in names if addon != _CRDS_ALONE]
    if name in _REFUSED and (programs or name != "kwok"):
        raise CannotRun(_REFUSED[name].format(cluster))
    provider = providers.pick(cluster, name)
    _check_answers(cluster, provider)
    if _CRDS_ALONE in names:
        _apply_crds(cluster, gateway.crds())
    addons = [_addon(program, name) for program in programs]
    if addons:
        _build(addons, provider)
    for addon in addons:
        with locked(f"cluster-{cluster}"):
            provider.load_addon(addon.dockerfiles, list(addon.images.values()))
        _apply(cluster, addon)
        for host, address in addon.registries(cluster).items():
            provider.trust_registry(host, address)
        if addon.news:
            say(f"  {addon.news}")


def _addon(name: str, provider: str) -> Addon:
    if name == "gateway":
        return gateway.addon()
    if name == "keda":
        return keda.addon()
    if name == "registry":
        return registry.addon()
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


def _build(addons: list[Addon], provider: providers.Provider) -> None:
    programs = [addon.program for addon in addons if addon.program]
    if programs and not all(program.built() for program in (charts.helm(), *programs)):
        preflight.check_space(COLD_GB, "the addons' first build")
    for addon in addons:
        if addon.program:
            folder = binaries.build(addon.program)
            for file, image in addon.images.items():
                with locked("oci"):
                    oci.put_program(image, folder / file, f"/{file}", user=addon.user)
        addon.rendered()
        if addon.dockerfiles:
            images.build_all(providers.builder(provider), addon.dockerfiles)


def _apply(cluster: str, addon: Addon) -> None:
    say(f"adding {addon.name}")
    rendered = addon.rendered()
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": addon.namespace}}
    if rendered.crds:
        _apply_crds(cluster, rendered.crds)
    _apply_all(cluster, [namespace, *sorted(rendered.objects, key=_is_late), *addon.objects])
    rollouts.wait_ready(cluster, addon.namespace, addon.name, also=lambda: addon.works(cluster))


def _apply_crds(cluster: str, crds: list[Object]) -> None:
    _apply_all(cluster, crds)
    kinds = [f"crd/{obj['metadata']['name']}" for obj in crds if obj["kind"] == "CustomResourceDefinition"]
    access.kubectl(cluster, "wait", "--for=condition=Established", *kinds, "--timeout=60s")


def _apply_all(cluster: str, objects: list[Object]) -> None:
    """Applies on the server's side, because the largest CRDs exceed the annotation that client-side apply writes."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


def _is_late(obj: Object) -> bool:
    """Returns False for Helm's pre-install hooks, which must run first: they create the controller's certificates."""
    return "pre-install" not in obj["metadata"].get("annotations", {}).get("helm.sh/hook", "")
