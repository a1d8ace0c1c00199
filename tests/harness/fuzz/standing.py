"""What is there before a story, and what must be there unchanged after it."""

from __future__ import annotations

from typing import Any

from tests.contract.objects import make
from tests.harness.bench.controllers import objects as bench
from tests.harness.fuzz.documents import good

Object = dict[str, Any]

MODEL_URI = "mlflow-artifacts:/modelyard/fuzz/models/m"
"""Where the result of the standing ModelVersion lies."""


def results() -> list[tuple[str, Object]]:
    """Documents in the artifact store: (URI, document)."""
    return [bench.ingest_result(), (f"{MODEL_URI}/result.json", good("ModelVersion"))]


def ours(namespace: str) -> list[Object]:
    """An accepted DatasetVersion, and a Model whose champion is Verified."""
    model = make("Model", {"pin": {"version": 3}}, "m")
    champion = make("ModelVersion", {"artifact": {"uri": MODEL_URI}, "lineage": {"trainingRun": "long-ago"}})
    for one in (model, champion):
        one["metadata"]["namespace"] = namespace
    return [bench.dataset(namespace), bench.version(namespace), model, champion]


def foreign(namespace: str) -> list[Object]:
    """A source of data, and a person's own objects under a name that generated ones have too."""

    def one(version: str, kind: str, name: str, **parts: Any) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, **parts}

    labels = {"app": "somebody-else"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return [
        one("v1", "ConfigMap", "table", data={"table.csv": "x,y\n1,a\n"}),
        one("v1", "PersistentVolumeClaim", "lake", spec=claim),
        one("v1", "Service", "taken", spec={"selector": labels, "ports": [{"port": 80}]}),
        one(
            "apps/v1", "Deployment", "taken", spec={"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
        ),
    ]
