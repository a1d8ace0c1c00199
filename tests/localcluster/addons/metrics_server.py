"""metrics-server measures the CPU and memory that pods use, for `kubectl top` and for a HorizontalPodAutoscaler."""

import json

from tests.localcluster import access, binaries
from tests.localcluster.say import CannotRun

from . import charts
from .charts import Chart
from .parts import Addon

VERSION = "v0.9.0"
MODULE = "sigs.k8s.io/metrics-server"
IMAGE = "localhost/modelyard/metrics-server"
NAMESPACE = "kube-system"
# metrics-server refuses a request timeout as long as a round: its default of ten seconds is as long as our round.
_ROUND = ["--metric-resolution=10s", "--kubelet-request-timeout=5s"]
_AUTHORITY = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


def chart(*, kubelets_have_certificates: bool) -> Chart:
    """Returns metrics-server's own chart. kind's kubelets have self-signed certificates, which nobody can check."""
    trust = f"--kubelet-certificate-authority={_AUTHORITY}" if kubelets_have_certificates else "--kubelet-insecure-tls"
    own = ["--cert-dir=/tmp", "--kubelet-preferred-address-types=InternalIP", "--kubelet-use-node-status-port"]
    values = {
        "image": {"repository": IMAGE, "tag": VERSION.removeprefix("v")},
        "defaultArgs": [*own, *_ROUND, trust],
        "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}},
    }
    return Chart("metrics-server", NAMESPACE, MODULE, VERSION, "charts/metrics-server", values)


def addon(*, kubelets_have_certificates: bool) -> Addon:
    """Returns the addon."""
    return Addon(
        name="metrics-server",
        namespace=NAMESPACE,
        program=binaries.install("metrics-server", [f"{MODULE}/cmd/metrics-server@{VERSION}"], ["metrics-server"]),
        images={"metrics-server": f"{IMAGE}:{VERSION.removeprefix('v')}"},
        rendered=lambda: charts.rendered(chart(kubelets_have_certificates=kubelets_have_certificates)),
        works=_works,
    )


def _works(cluster: str) -> bool:
    """Returns whether it has measured every node, which takes two requests to each."""
    try:
        nodes = json.loads(access.kubectl(cluster, "get", "nodes", "--output=json"))["items"]
        measured = json.loads(access.kubectl(cluster, "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"))["items"]
    except CannotRun:
        return False
    return {node["metadata"]["name"] for node in nodes} == {node["metadata"]["name"] for node in measured}
