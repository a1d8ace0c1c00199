"""What is there before a story, and what must be there unchanged after it."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import RESULT_JSON
from tests.kinds import SAMPLES, standing
from tests.kinds.modelversion import MODEL_URI

Object = dict[str, Any]


def results() -> list[tuple[str, Object]]:
    """Documents in the artifact store: (URI, document)."""
    return [standing.data_result(), (f"{MODEL_URI}/{RESULT_JSON}", SAMPLES["ModelVersion"].good_result)]


def ours(namespace: str) -> list[Object]:
    """An accepted DatasetVersion, and a Model whose champion is Verified."""
    imported = {"artifact": {"uri": MODEL_URI}, "lineage": {"trainingRun": "long-ago"}}
    return [
        *standing.data(namespace),
        SAMPLES["Model"].make({"pin": {"version": 3}}, "m", namespace),
        SAMPLES["ModelVersion"].make(imported, None, namespace),
    ]


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
