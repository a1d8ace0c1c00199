"""A registry of images: Debian's docker-registry, once for everybody and once behind a password, both by http."""

import json

from tests.localcluster import access
from tests.localcluster.digests import reference
from tests.localcluster.say import CannotRun

from .parts import Addon, Object, Rendered

NAMESPACE, NAME = "modelyard-registry", "registry"
SERVICE = f"{NAME}.{NAMESPACE}.svc"
OPEN, LOCKED = f"{SERVICE}:5000", f"{SERVICE}:5001"
"""The registry that anybody may push to and pull from, and the one with a password, as pods and nodes know them."""
USER, PASSWORD = "robot", "open-sesame"
_IMAGE = "docker-registry"
HTPASSWD = f"{USER}:$2b$05$/45xSzdCjUs.AqbpUQE2BOR5StM7ZnTVf3XEz1147WihzNCRAMWuq\n"
_CONFIG, _DATA = "/etc/registry", "/var/lib/registry"
_LABELS = {"app.kubernetes.io/name": NAME}
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def addon() -> Addon:
    """Returns the addon."""
    return Addon(
        name="registry",
        namespace=NAMESPACE,
        program=None,
        images={},
        rendered=lambda: Rendered([], _objects()),
        works=_works,
        dockerfiles=(_IMAGE,),
        registries=addresses,
        news=f"{OPEN} takes images from anybody, {LOCKED} with user {USER} and password {PASSWORD}, both by http",
    )


def config(address: str, folder: str, htpasswd: str | None = None) -> Object:
    """Returns a configuration that listens on ``address``, and asks for a password of the file ``htpasswd``."""
    storage = {"filesystem": {"rootdirectory": folder}, "delete": {"enabled": True}}
    whole: Object = {"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": address}}
    if htpasswd:
        whole["auth"] = {"htpasswd": {"realm": NAME, "path": htpasswd}}
    return whole


def _objects() -> list[Object]:
    meta = {"name": NAME, "namespace": NAMESPACE}
    files = {
        "open": json.dumps(config(":5000", f"{_DATA}/open")),
        "locked": json.dumps(config(":5001", f"{_DATA}/locked", f"{_CONFIG}/htpasswd")),
        "htpasswd": HTPASSWD,
    }
    ports = [{"name": name, "port": port} for name, port in (("open", 5000), ("locked", 5001))]
    service = {"selector": _LABELS, "ports": ports}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": files},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": _deployment()},
    ]


def _deployment() -> Object:
    identity = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # their variables begin with REGISTRY_, which the program takes for settings
        "securityContext": {**identity, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container("open", 5000), _container("locked", 5001)],
        "volumes": [{"name": "config", "secret": {"secretName": NAME}}, {"name": "data", "emptyDir": {}}],
    }
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }


def _container(name: str, port: int) -> Object:
    return {
        "name": name,
        "image": reference(_IMAGE),
        "args": [f"{_CONFIG}/{name}"],
        "ports": [{"name": name, "containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": _RESTRICTED,
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            {"name": "data", "mountPath": _DATA},
        ],
    }


def addresses(cluster: str) -> dict[str, str]:
    """Returns both registries -> their addresses in the cluster's network. Raises CannotRun if there are none."""
    where = ["-n", NAMESPACE, "get", "service", NAME, "--output=jsonpath={.spec.clusterIP}"]
    address = access.kubectl(cluster, *where).strip()
    return {host: f"{address}:{host.rpartition(':')[2]}" for host in (OPEN, LOCKED)}


def _works(cluster: str) -> bool:
    """Returns whether the API server gets an answer from the open registry."""
    path = f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}:open/proxy/v2/"
    try:
        access.kubectl(cluster, "get", "--raw", path)
    except CannotRun:
        return False
    return True
