"""One small valid object of every kind, and how a test changes it."""

from __future__ import annotations

import copy
from typing import Any

Object = dict[str, Any]

_SHA = "sha256:" + "0" * 64
_SPLIT = {"test": 0.2, "strategy": "Random", "seed": 0}

SPECS: dict[str, Object] = {
    "Dataset": {"source": {"configMap": {"name": "table", "key": "table.csv"}}, "target": "y", "suspend": True},
    "DatasetVersion": {
        "datasetRef": {"name": "table"},
        "digest": _SHA,
        "uri": "mlflow-artifacts:/modelyard/a/b/c",
        "rows": 10,
        "testRows": 2,
        "bytes": 1000,
        "target": "y",
        "columns": [{"name": "x", "type": "Float", "missing": 0}, {"name": "y", "type": "Category", "missing": 0}],
        "split": _SPLIT,
    },
    "TrainingRun": {
        "datasetRef": {"name": "table"},
        "trainer": {"estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 10}}},
        "suspend": True,
    },
    "Model": {"task": "Classification"},
    "ModelVersion": {
        "modelRef": {"name": "m"},
        "number": 3,
        "artifact": {"uri": "mlflow-artifacts:/modelyard/a/b/c", "digest": _SHA},
        "lineage": {"datasetVersion": "table-1"},
    },
    "ModelDeployment": {"modelRef": {"name": "m", "alias": "champion"}, "suspend": True},
    "ModelPool": {"replicas": 0},
}
PLURALS = {
    "Dataset": "datasets",
    "DatasetVersion": "datasetversions",
    "TrainingRun": "trainingruns",
    "Model": "models",
    "ModelVersion": "modelversions",
    "ModelDeployment": "modeldeployments",
    "ModelPool": "modelpools",
}


def make(kind: str, change: Object | None = None, name: str | None = None) -> Object:
    """The kind's object with a merge-patch of its spec, where None removes a field."""
    names = {"ModelVersion": "m-v3", "DatasetVersion": "table-1"}
    return {
        "apiVersion": "modelyard.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name or names.get(kind, "one")},
        "spec": merged(SPECS[kind], change or {}),
    }


def merged(base: Object, change: Object) -> Object:
    """``base`` with ``change`` applied as a JSON merge-patch."""
    made = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        else:
            made[key] = copy.deepcopy(value)
    return made
