"""Good specs that generated objects start from: the contract tests' examples and the manifests'."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from tests.contract.cases import CREATES, UPDATES
from tests.contract.objects import SPECS, merged
from tests.contract.rollout_cases import ROLLOUTS
from tests.harness.bench.controllers import objects as bench
from tests.localcluster.paths import REPO

Object = dict[str, Any]

_OWN: dict[str, tuple[Object, ...]] = {
    "Dataset": ({"checkEvery": "5s"}, {"source": {"configMap": {"name": "fz-one"}}}),
    "DatasetVersion": (
        {key: bench.version("x")["spec"][key] for key in ("digest", "uri", "columns", "target", "rows", "testRows")},
    ),
    "TrainingRun": (
        {"modelRef": {"name": "m"}},
        {"datasetRef": {"version": bench.VERSION}, "modelRef": {"name": "fz-one"}},
        {"trainer": {"estimator": None, "container": {"image": "localhost/trainer:1"}}},
    ),
    "Model": ({"promotion": "Automatic"}, {"task": "Regression"}, {"pin": {"version": 4}}),
    "ModelVersion": (
        {"lineage": {"datasetVersion": bench.VERSION}, "number": 4},
        {"lineage": {"datasetVersion": bench.VERSION}, "number": 5, "modelRef": {"name": "fz-one"}},
        {"artifact": {"uri": "mlflow-artifacts:/modelyard/fuzz/models/m"}, "lineage": {"trainingRun": "fz-one"}},
    ),
    "ModelDeployment": ({}, {"modelRef": {"alias": None, "version": 3}, "replicas": 2}, {"pool": "fz-one"}),
    "ModelPool": ({"replicas": 1}, {"podTemplate": {"resources": {"limits": {"memory": "256Mi"}}}}),
}


@functools.cache
def of(kind: str) -> tuple[Object, ...]:
    """Specs of a kind that the API server accepts."""
    base = SPECS[kind] | ({"suspend": False} if "suspend" in SPECS[kind] else {})
    made = [SPECS[kind], base, *(merged(base, change) for change in _OWN[kind])]
    made += [merged(base, case.good) for case in (*CREATES, *ROLLOUTS) if case.kind == kind and case.good]
    made += [merged(base, change) for case in UPDATES if case.kind == kind for change in case.good if change]
    return (*made, *(one["spec"] for one in _examples() if one["kind"] == kind))


@functools.cache
def _examples() -> tuple[Object, ...]:
    files = sorted((REPO / "manifests" / "examples").rglob("*.yaml"))
    found = [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]
    return tuple(one for one in found if one.get("kind") in SPECS)
