"""KEDA: scales by what pods count themselves, here the requests in flight of a ModelDeployment's pods."""

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
"""By the last part of the package that is in each."""
_OF_CONTAINER = {"keda-operator": "operator", "keda-metrics-apiserver": "adapter"}
_FOLDERS = ("service_account", "rbac", "manager", "metrics-server")
"""Of the module's config/: all but the webhooks, which check what people write."""
_USER = "65532:65532"
_API = "external.metrics.k8s.io/v1beta1"


def addon() -> Addon:
    """The addon."""
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
    """The module's own manifests, which it has beside a chart in another repository."""
    config = binaries.module(MODULE, VERSION) / "config"
    objects = [one for folder in _FOLDERS for one in _read(config / folder)]
    return Rendered(_read(config / "crd" / "bases"), [_ours(one) for one in objects])


def _read(folder: Path) -> list[Object]:
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    if not files:
        raise CannotRun(f"{MODULE}@{VERSION} has no {folder.name}: its place has changed, correct it.")
    return [one for path in files for one in read(path)]


def _ours(one: Object) -> Object:
    """With our images, and asked at once whether it is ready."""
    if one["kind"] == "Deployment":
        (container,) = one["spec"]["template"]["spec"]["containers"]
        file = _OF_CONTAINER[container["name"]]
        container |= {"image": IMAGES[file], "imagePullPolicy": "IfNotPresent", "command": [f"/{file}"]}
        container["readinessProbe"] |= {"initialDelaySeconds": 0, "periodSeconds": 2}
        container["resources"] = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
    return one


def _works(cluster: str) -> bool:
    """Whether the API server gets to it."""
    try:
        found = json.loads(access.kubectl(cluster, "get", "--raw", f"/apis/{_API}"))
    except CannotRun:
        return False
    return bool(found["kind"] == "APIResourceList")
