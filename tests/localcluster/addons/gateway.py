"""An HTTP gateway: Envoy Gateway, and one Gateway for the HTTPRoutes of every namespace and any host name."""

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
"""The Gateway's own namespace and name, and the name of its class."""
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
WORKERS = 2
"""Threads of Envoy. Each applies a route's weights in turn by itself: a split is exact up to one request per thread."""
KINDS = (
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "backendtrafficpolicies.gateway.envoyproxy.io",
)
"""The CRDs that a ModelDeployment behind a Gateway uses."""
_USER = "65532:65532"


def chart() -> Chart:
    """Returns Envoy Gateway's own chart."""
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
    """Returns the addon."""
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
    """Returns our changes of the chart's values: less memory, our Envoy image, an address without a load balancer."""
    envoy = {
        "container": {
            "image": reference("envoy"),
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        }
    }
    proxies = {"type": "Kubernetes", "kubernetes": {"envoyDeployment": envoy, "envoyService": {"type": "ClusterIP"}}}
    own = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    return {
        "crds": {"enabled": False},  # the addon's CRDs are applied first, and on the server's side
        "deployment": {"envoyGateway": {"resources": own, "readinessProbe": {"periodSeconds": 1}}},
        "config": {"envoyGateway": {"envoyProxy": {"concurrency": WORKERS, "provider": proxies}}},
        # Off, because it would put one more program between the API server and each pod to tell proxies their zone.
        "topologyInjector": {"enabled": False},
    }


def gateway_class() -> Object:
    """Returns the GatewayClass whose Gateways are Envoy Gateway's."""
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
    """Returns the CRDs of ``KINDS``, for a cluster without real pods, where a test plays the controller."""
    return [crd for crd in charts.crds(chart()) if crd["metadata"]["name"] in KINDS]


def _gateway(cluster: str) -> Object:
    kind = "gateways.gateway.networking.k8s.io"
    text = access.kubectl(cluster, "-n", NAMESPACE, "get", kind, NAME, "--output=json")
    return dict(json.loads(text))


def programmed(cluster: str) -> bool:
    """Returns whether a proxy runs with the Gateway's current configuration."""
    gateway = _gateway(cluster)
    return any(
        (condition["type"], condition["status"]) == ("Programmed", "True")
        and condition["observedGeneration"] == gateway["metadata"]["generation"]
        for condition in gateway.get("status", {}).get("conditions", ())
    )


def address(cluster: str) -> str:
    """Returns the Gateway's address in the cluster's network. Raises CannotRun if there is no Gateway."""
    return str(_gateway(cluster)["status"]["addresses"][0]["value"])
