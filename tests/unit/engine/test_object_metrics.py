"""Checks the metrics that each object has: its conditions, and the figures of its kind."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelyard.engine.metrics import Metrics
from modelyard.engine.resource import (
    MODEL_DEPLOYMENTS,
    MODEL_MONITORS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
    Object,
    Resource,
)
from modelyard.engine.store import Store
from modelyard_api.generate.crd import definition
from modelyard_api.kinds.registry import KINDS

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Cluster:
    def __init__(self) -> None:
        self.store, self.metrics, self.version = Store(), Metrics(), 0
        self.store.listeners.append(self.metrics.changed)

    def obj(self, name: str, status: Any) -> Object:
        self.version += 1
        meta = {"namespace": "team", "name": name, "uid": name, "resourceVersion": str(self.version)}
        return {"metadata": meta, "spec": {}, "status": status}

    def put(self, resource: Resource, name: str, status: Any) -> None:
        self.store.apply(resource, self.obj(name, status))

    def series(self) -> Series:
        """Returns the series that are about objects, as Prometheus' own format is read."""
        families = text_string_to_metric_families(self.metrics.page().decode())
        samples = [sample for family in families for sample in family.samples if sample.labels.get("namespace")]
        read = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(read) == len(samples), "no series twice"
        return read


def series(metric: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return metric, frozenset({"namespace": "team", **labels}.items())


def test_a_condition_is_one_series_with_its_status_and_reason() -> None:
    cluster = Cluster()
    ready = {"type": "Ready", "status": "False", "reason": "RolledBack", "message": "x"}
    cluster.put(MODEL_DEPLOYMENTS, "species", {"conditions": [ready]})
    labels = {"kind": "ModelDeployment", "name": "species", "type": "Ready"}
    assert cluster.series() == {series("modelyard_condition", **labels, status="False", reason="RolledBack"): 1}
    cluster.put(MODEL_DEPLOYMENTS, "species", {"conditions": [ready | {"status": "True", "reason": "Serving"}]})
    assert cluster.series() == {series("modelyard_condition", **labels, status="True", reason="Serving"): 1}
    cluster.store.deleted(MODEL_DEPLOYMENTS, cluster.obj("species", {}))
    assert cluster.series() == {}
    assert "modelyard_condition" not in cluster.metrics.page().decode()


@pytest.mark.parametrize(
    ("resource", "status", "exported"),
    [
        (MODELS, {"champion": 3, "versions": 4}, {"model_champion_version": 3, "model_versions": 4}),
        (MODELS, {"versions": 0}, {"model_versions": 0}),
        (MODEL_DEPLOYMENTS, {"weight": 20, "readyReplicas": 2}, {"candidate_weight": 20, "ready_replicas": 2}),
        (TRAINING_RUNS, {"startTime": "1970-01-01T00:01:00Z"}, {"start_timestamp_seconds": 60}),
        (TRAINING_RUNS, None, {}),
    ],
)
def test_figures_are_the_numbers_of_the_status(resource: Resource, status: Any, exported: dict[str, float]) -> None:
    cluster = Cluster()
    cluster.put(resource, "a", status)
    prefix = f"modelyard_{resource.kind.lower()}_"
    full = {prefix + name.removeprefix("model_"): value for name, value in exported.items()}
    assert cluster.series() == {series(name, name="a"): value for name, value in full.items()}


def test_a_map_has_a_series_for_each_entry_and_any_key() -> None:
    cluster = Cluster()
    cluster.put(MODEL_VERSIONS, "a-v1", {"metrics": {'recall: "A\\B"\n': 0.5, "accuracy": 1, "nan": None}})
    metric = "modelyard_modelversion_metric"
    assert cluster.series() == {
        series(metric, name="a-v1", metric='recall: "A\\B"\n'): 0.5,
        series(metric, name="a-v1", metric="accuracy"): 1,
    }
    cluster.put(MODEL_VERSIONS, "a-v1", {"metrics": {"accuracy": 0.25}})
    assert cluster.series() == {series(metric, name="a-v1", metric="accuracy"): 0.25}


def test_a_list_has_a_series_for_each_item() -> None:
    cluster = Cluster()
    label, same = {"name": "label", "role": "Output"}, {"name": "label", "role": "Input"}
    columns = [{**label, "shift": 0.5, "limit": 0.25}, {**same, "shift": 0.125, "limit": 0.25}]
    cluster.put(MODEL_MONITORS, "a", {"columns": columns})
    metrics = ("modelyard_modelmonitor_shift", "modelyard_modelmonitor_shift_limit")
    assert cluster.series() == {
        series(metrics[0], name="a", column="label", role="Output"): 0.5,
        series(metrics[0], name="a", column="label", role="Input"): 0.125,
        series(metrics[1], name="a", column="label", role="Output"): 0.25,
        series(metrics[1], name="a", column="label", role="Input"): 0.25,
    }
    cluster.put(MODEL_MONITORS, "a", {"columns": []})
    assert cluster.series() == {}


@pytest.mark.parametrize("name", KINDS)
def test_every_figure_is_a_number_or_a_time_of_its_kind(name: str) -> None:
    kind = KINDS[name]
    schema = definition(name, kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for figure in kind.info.figures:
        node = schema
        for part in figure.path.removeprefix(".").split("."):
            node = node.get("items", node)["properties"][part]
        # The entries of a map are those of an object with known fields, or of any.
        nodes = node.get("properties", {}).values() or [node["additionalProperties"]] if figure.label else [node]
        for node in nodes:
            assert node["type"] in ("integer", "number") or node.get("format") == "date-time", figure
        assert figure.description.endswith("."), figure
    assert len({figure.name for figure in kind.info.figures}) == len(kind.info.figures)
