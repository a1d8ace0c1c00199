"""KEDA scales by what pods count themselves, here by the requests in flight of a ModelDeployment's pods."""

import json
from functools import cache
from pathlib import Path

from tests.localcluster import access, binaries
from tests.localcluster.say import CannotRun

from .charts import read
from .parts import Addon, Object, Rendered

VERSION = "v2.21.0"
MODULE = "github.com/kedacore/keda/v2"
NAMESPACE = "keda"
IMAGES = {
    "operator": f"localhost/modelyard/keda:{VERSION.removeprefix('v')}",
    "adapter": f"localhost/modelyard/keda-adapter:{VERSION.removeprefix('v')}",
}
"""Last part of the Go package -> reference of the image with its program."""
_OF_CONTAINER = {"keda-operator": "operator", "keda-metrics-apiserver": "adapter"}
_FOLDERS = ("service_account", "rbac", "manager", "metrics-server")
"""The installed folders of the module's config/: all but the webhooks, which check what people write."""
_USER = "65532:65532"
_API = "external.metrics.k8s.io/v1beta1"


def addon() -> Addon:
    """Returns the addon."""
    return Addon(
        name="keda",
        namespace=NAMESPACE,
        program=binaries.inside("keda", MODULE, VERSION, [f"./cmd/{name}" for name in IMAGES]),
        images=IMAGES,
        rendered=_rendered,
        user=_USER,
        works=_works,
    )


@cache
def _rendered() -> Rendered:
    """Returns the objects of the module's own manifests; KEDA's chart is in another repository."""
    config = binaries.module(MODULE, VERSION) / "config"
    objects = [obj for folder in _FOLDERS for obj in _read(config / folder)]
    return Rendered(_read(config / "crd" / "bases"), [_adapted(obj) for obj in objects])


def _read(folder: Path) -> list[Object]:
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    if not files:
        raise CannotRun(f"{MODULE}@{VERSION} has no {folder.name}: its place has changed, correct it.")
    return [obj for path in files for obj in read(path)]


def _adapted(obj: Object) -> Object:
    """Gives a Deployment our images, small resources and a readiness probe without delay."""
    if obj["kind"] == "Deployment":
        (container,) = obj["spec"]["template"]["spec"]["containers"]
        file = _OF_CONTAINER[container["name"]]
        container |= {"image": IMAGES[file], "imagePullPolicy": "IfNotPresent", "command": [f"/{file}"]}
        container["readinessProbe"] |= {"initialDelaySeconds": 0, "periodSeconds": 2}
        container["resources"] = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
    return obj


def _works(cluster: str) -> bool:
    """Returns whether the API server reaches KEDA's adapter."""
    try:
        answer = json.loads(access.kubectl(cluster, "get", "--raw", f"/apis/{_API}"))
    except CannotRun:
        return False
    return bool(answer["kind"] == "APIResourceList")
