"""Builds the objects that a person applies in the scenarios."""

from __future__ import annotations

from typing import Any

from modelyard_api import API_VERSION
from tests.harness.faults.resources import Object
from tests.kinds.sample import HERE
from tests.kinds.trainingrun import BAD_SEED, WEAK_SEED

FIRST = "x,y,label\n" + "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(40))
MORE = FIRST + "".join(f"{i},{i % 5},yes\n" for i in range(40, 60))
DATASET, MODEL, DEPLOYMENT, RUN, SECOND = "table", "species", "species", "first", "second"
POOL, SCORED, WATCH, LAB = "small", "scored", "watch", "lab"
PIPELINE, BY_HAND = "churn", "by-hand"


def dataset(**spec: Any) -> Object:
    defaults = {"source": {"configMap": {"name": "table", "key": "table.csv"}}, "target": "label"}
    return _object("Dataset", DATASET, {**defaults, **spec})


def model(**spec: Any) -> Object:
    gates = [{"name": "good-enough", "metric": "balanced_accuracy", "min": 0.9}]
    return _object("Model", MODEL, {"task": "Classification", "gates": gates, "promotion": "Automatic", **spec})


def run(name: str = RUN, seed: int = 7, **spec: Any) -> Object:
    trainer = {"estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 100}}}
    refs = {"datasetRef": {"name": DATASET}, "modelRef": {"name": MODEL}}
    return _object("TrainingRun", name, {**refs, "trainer": trainer, "seed": seed, **spec})


def sweep(name: str) -> Object:
    refs = {"datasetRef": {"name": DATASET}, "modelRef": {"name": MODEL}}
    search = {"candidates": [{"algorithm": "RandomForestClassifier", "params": {}}]}
    spec = {"objective": "balanced_accuracy", "maxTrials": 4, "sampler": {"seed": 7}, "search": search}
    return _object("Sweep", name, {**refs, **spec})


def weak_run(name: str) -> Object:
    return run(name, WEAK_SEED)


def bad_run(name: str) -> Object:
    return run(name, BAD_SEED)


def imported(number: int, data: str) -> Object:
    artifact = {"uri": f"{HERE}/elsewhere/model", "digest": f"sha256:{number:064x}"}
    spec = {"modelRef": {"name": MODEL}, "number": number, "artifact": artifact, "lineage": {"datasetVersion": data}}
    return _object("ModelVersion", f"{MODEL}-v{number}", spec)


def deployment(name: str = DEPLOYMENT, **spec: Any) -> Object:
    return _object("ModelDeployment", name, {"modelRef": {"name": MODEL, "alias": "champion"}, **spec})


def scored(**spec: Any) -> Object:
    """Returns the Dataset that predictions are pushed to."""
    return _object("Dataset", SCORED, {"source": {"pushed": {}}, **spec})


def prediction(name: str, *keep: str) -> Object:
    output = {"datasetRef": {"name": SCORED}, "keep": list(keep)}
    refs = {"modelRef": {"name": MODEL, "alias": "champion"}, "datasetRef": {"name": DATASET}}
    return _object("BatchPrediction", name, {**refs, "output": output})


def monitor() -> Object:
    return _object("ModelMonitor", WATCH, {"deploymentRef": {"name": DEPLOYMENT}, "window": {"length": "50m"}})


def pool() -> Object:
    return _object("ModelPool", POOL, {"replicas": 1})


def pipeline() -> Object:
    """Returns a Pipeline that counts trees in a container, and trains as many, whenever there is a new version."""
    check = {"image": "localhost/check:1", "outputs": ["trees"], "parameters": {"trees": "$(parameters.trees)"}}
    params = {"n_estimators": "$(steps.check.outputs.trees)"}
    trainer = {"estimator": {"algorithm": "RandomForestClassifier", "params": params}}
    refs = {"datasetRef": {"name": DATASET}, "modelRef": {"name": MODEL}}
    spec = {
        "triggers": [{"name": "data", "dataset": {"name": DATASET}}],
        "parameters": [{"name": "trees", "default": "10"}],
        "steps": [
            {"name": "check", "container": check},
            {"name": "train", "trainingRun": {**refs, "trainer": trainer}},
        ],
    }
    return _object("Pipeline", PIPELINE, spec)


def pipeline_run(name: str) -> Object:
    """Returns a run of the Pipeline that a person starts, with a value of its own."""
    return _object("PipelineRun", name, {"pipelineRef": {"name": PIPELINE}, "parameters": {"trees": "20"}})


def workspace(*people: str, **spec: Any) -> Object:
    listed = [{"name": name, "secretRef": {"name": f"of-{name}"}} for name in people]
    return _object("Workspace", LAB, {"people": listed, "datasets": [{"name": DATASET}], **spec})


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
