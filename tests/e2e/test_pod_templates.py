"""Checks that pods get the labels, the place and the service account that podTemplate gives them, and no token."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_api.wire.identity import AUDIENCE
from tests.support.kube import Kube, Object

pytestmark = pytest.mark.cluster
CSV = "a,b,y\n" + "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(60))
TEAM = {"matchLabels": {"team": "biology"}}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "biology"}, "annotations": {"prometheus.io/scrape": "true"}},
    "serviceAccountName": "reader",
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/os", "operator": "Exists"}]}]
            }
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": TEAM,
            "nodeTaintsPolicy": "Honor",  # else a control plane that takes no pods counts as a place without one
        }
    ],
}


def put(kube: Kube, kind: str, name: str, spec: Object) -> None:
    meta = {"name": name, "namespace": kube.namespace}
    kube.apply({"apiVersion": "modelyard.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})


def check(pod: Object) -> None:
    assert pod["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    spec = pod["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("reader", False)
    projected = [source for volume in spec["volumes"] for source in volume.get("projected", {}).get("sources", ())]
    audiences = {source["serviceAccountToken"].get("audience") for source in projected}
    assert audiences <= {AUDIENCE}, "no token is for the Kubernetes API"
    assert spec["affinity"]["nodeAffinity"] == TEMPLATE["affinity"]["nodeAffinity"]
    assert TEMPLATE["topologySpreadConstraints"][0] in spec["topologySpreadConstraints"]


def test_pods_are_as_the_template_says(kube: Kube) -> None:
    """The namespace enforces the Pod Security Standard ``restricted``, so these pods keep it."""
    for kind, more in (("ServiceAccount", {}), ("ConfigMap", {"data": {"t.csv": CSV}})):
        meta = {"name": "reader", "namespace": kube.namespace}
        kube.apply({"apiVersion": "v1", "kind": kind, "metadata": meta, **more})
    source = {"configMap": {"name": "reader", "key": "t.csv"}}
    put(kube, "Dataset", "table", {"source": source, "target": "y", "podTemplate": TEMPLATE})
    tree = {"estimator": {"algorithm": "DecisionTreeClassifier"}}
    put(kube, "TrainingRun", "tree", {"datasetRef": {"name": "table"}, "trainer": tree, "podTemplate": TEMPLATE})
    put(kube, "ModelPool", "small", {"replicas": 2, "podTemplate": TEMPLATE})
    kube.until_condition("trainingrun", "tree", seconds=120)
    kube.until_condition("modelpool", "small", seconds=120)
    pods = kube.list("pods", "team=biology")
    kinds = [kind for kind in ("dataset", "trainingrun", "modelpool") for pod in pods
             if f"modelyard.dev/{kind}" in pod["metadata"]["labels"]]  # fmt: skip
    assert {*kinds} >= {"trainingrun", "modelpool"}
    for pod in pods:
        check(pod)
