"""An HTTP gateway: Envoy Gateway, and one Gateway that takes the HTTPRoutes of every namespace and of any host name."""

import json

from tests.localcluster import access, binaries
from tests.localcluster.digests import reference

from . import charts
from .charts import Chart
from .parts import Addon, Object

VERSION = "v1.9.1"
MODULE = "github.com/envoyproxy/gateway"
IMAGE = f"localhost/modelyard/envoy-gateway:{VERSION.removeprefix('v')}"
CONTROLLERS = "envoy-gateway-system"
"""The namespace of the controller, and of the proxies that it starts."""
NAMESPACE, NAME, CLASS = "modelyard-gateway", "modelyard", "envoy"
"""The Gateway's own, and the name of its class."""
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
WORKERS = 2
"""Threads of Envoy. Each goes round the weights of a route by itself: a split is exact up to one request a thread."""
KINDS = (
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "backendtrafficpolicies.gateway.envoyproxy.io",
)
"""What a ModelDeployment behind a Gateway has to do with."""
_USER = "65532:65532"


def chart() -> Chart:
    """Envoy Gateway's own."""
    crds = "charts/gateway-helm/charts/crds/crds"
    return Chart(
        release="envoy-gateway",
        namespace=CONTROLLERS,
        module=MODULE,
        version=VERSION,
        path="charts/gateway-helm",
        values=_values(),
        placeholders={"GatewayImage": IMAGE, "GatewayImagePullPolicy": "IfNotPresent"},
        crds=(f"{crds}/gatewayapi-crds.yaml", f"{crds}/generated"),
    )


def addon() -> Addon:
    """The addon."""
    return Addon(
        name="gateway",
        namespace=CONTROLLERS,
        program=binaries.install("envoy-gateway", [f"{MODULE}/cmd/envoy-gateway@{VERSION}"], ["envoy-gateway"]),
        images={"envoy-gateway": IMAGE},
        rendered=lambda: charts.rendered(chart()),
        user=_USER,
        dockerfiles=("envoy",),
        objects=_objects(),
        works=programmed,
    )


def _values() -> Object:
    """What is not as in the chart: little memory, Envoy from our image, and an address without a load balancer."""
    envoy = {
        "container": {
            "image": reference("envoy"),
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        }
    }
    proxies = {"type": "Kubernetes", "kubernetes": {"envoyDeployment": envoy, "envoyService": {"type": "ClusterIP"}}}
    own = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    return {
        "crds": {"enabled": False},  # these are applied first, and on the server's side
        "deployment": {"envoyGateway": {"resources": own, "readinessProbe": {"periodSeconds": 1}}},
        "config": {"envoyGateway": {"envoyProxy": {"concurrency": WORKERS, "provider": proxies}}},
        # It would tell proxies their zone at the cost of one more program between the API server and each pod.
        "topologyInjector": {"enabled": False},
    }


def gateway_class() -> Object:
    """The one whose Gateways are Envoy Gateway's."""
    api, spec = "gateway.networking.k8s.io/v1", {"controllerName": CONTROLLER}
    return {"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": CLASS}, "spec": spec}


def _objects() -> tuple[Object, ...]:
    api = "gateway.networking.k8s.io/v1"
    everybody = {"namespaces": {"from": "All"}}
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": everybody}
    spec = {"gatewayClassName": CLASS, "listeners": [listener]}
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        gateway_class(),
        {"apiVersion": api, "kind": "Gateway", "metadata": {"name": NAME, "namespace": NAMESPACE}, "spec": spec},
    )


def crds() -> list[Object]:
    """The CRDs of ``KINDS``, for a cluster where nothing can run: there a test plays the controller."""
    return [one for one in charts.crds(chart()) if one["metadata"]["name"] in KINDS]


def _gateway(cluster: str) -> Object:
    kind = "gateways.gateway.networking.k8s.io"
    found = access.kubectl(cluster, "-n", NAMESPACE, "get", kind, NAME, "--output=json")
    return dict(json.loads(found))


def programmed(cluster: str) -> bool:
    """Whether a proxy runs that has the Gateway's configuration."""
    gateway = _gateway(cluster)
    return any(
        (one["type"], one["status"]) == ("Programmed", "True")
        and one["observedGeneration"] == gateway["metadata"]["generation"]
        for one in gateway.get("status", {}).get("conditions", ())
    )


def address(cluster: str) -> str:
    """The Gateway's address, in the cluster's network. Raises CannotRun where there is none."""
    return str(_gateway(cluster)["status"]["addresses"][0]["value"])
