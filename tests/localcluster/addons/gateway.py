"""The HTTP gateway: Envoy Gateway, and one Gateway for the HTTPRoutes of every namespace and any host name."""

from pathlib import Path
from typing import Any

import yaml

from tests.localcluster import access, binaries

MODULE = ("github.com/envoyproxy/gateway", "v1.9.1")
CONTROLLERS = "envoy-gateway-system"
"""The namespace of the controller, and of the proxies that it starts."""
NAMESPACE, NAME, CLASS = "modelyard-gateway", "modelyard", "envoy"
"""The Gateway's own namespace and name, and the name of its class."""
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
WORKERS = 2
"""Threads of Envoy. Each applies a route's weights in turn by itself: a split is exact up to one request per thread."""


def folder() -> Path:
    """Returns the module's folder."""
    return binaries.module(*MODULE)


def gateway_class() -> dict[str, Any]:
    """Returns the GatewayClass whose Gateways are Envoy Gateway's."""
    documents = yaml.safe_load_all((Path(__file__).parent / "manifests/gateway.yaml").read_text())
    return next(document for document in documents if document["kind"] == "GatewayClass")


def apply_crds(cluster: str) -> None:
    """Applies the CRDs on the server's side, because the largest exceed the annotation of client-side apply."""
    crds = folder() / "charts/gateway-helm/charts/crds/crds"
    files = ["-f", str(crds / "gatewayapi-crds.yaml"), "-f", str(crds / "generated")]
    access.kubectl(cluster, "apply", "--server-side", "--force-conflicts", *files)
    access.kubectl(cluster, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


def address(cluster: str) -> str:
    """Returns the Gateway's address in the cluster's network. Raises CannotRun if there is no Gateway."""
    where = ["gateways.gateway.networking.k8s.io", NAME, "--output=jsonpath={.status.addresses[0].value}"]
    return access.kubectl(cluster, "-n", NAMESPACE, "get", *where)
