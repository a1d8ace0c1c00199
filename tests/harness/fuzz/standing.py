"""The objects that exist before a story, and must exist unchanged after it."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import RESULT_JSON
from tests.kinds import SAMPLES, standing
from tests.kinds.modelversion import MODEL_URI
from tests.kinds.sample import placed

Object = dict[str, Any]


def results(namespace: str) -> list[tuple[str, Object]]:
    """Returns the documents in the artifact store, as (URI, document)."""
    model = placed(f"{MODEL_URI}/{RESULT_JSON}", namespace)
    return [standing.data_result(namespace), (model, SAMPLES["ModelVersion"].good_result)]


def ours(namespace: str) -> list[Object]:
    """Returns the objects for an accepted DatasetVersion, and for a Model whose champion is Verified."""
    imported = {"artifact": {"uri": MODEL_URI}, "lineage": {"trainingRun": "long-ago"}}
    return [
        *standing.data(namespace),
        SAMPLES["Model"].make({"pin": {"version": 3}}, "m", namespace),
        SAMPLES["ModelVersion"].make(imported, None, namespace),
    ]


def foreign(namespace: str) -> list[Object]:
    """Returns sources of data, and a person's own objects whose name generated objects use too."""

    def manifest(version: str, kind: str, name: str, **parts: Any) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, **parts}

    labels = {"app": "somebody-else"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return [
        manifest("v1", "ConfigMap", "table", data={"table.csv": "x,y\n1,a\n"}),
        manifest("v1", "PersistentVolumeClaim", "lake", spec=claim),
        manifest("v1", "Service", "taken", spec={"selector": labels, "ports": [{"port": 80}]}),
        manifest(
            "apps/v1", "Deployment", "taken", spec={"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
        ),
    ]
