"""For every CEL rule of every kind one object that is accepted and one that is refused with the rule's message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.contract.objects import Object

LONGEST = "a" * 45


@dataclass(frozen=True)
class Create:
    """``good`` and ``bad`` are merge-patches of the kind's spec; the names only where the rule is about them."""

    kind: str
    message: str
    good: Object = field(default_factory=dict)
    bad: Object = field(default_factory=dict)
    good_name: str | None = None
    bad_name: str | None = None


@dataclass(frozen=True)
class Update:
    """Changes of a stored object: merge-patches of its spec. ``status`` is what was written there before."""

    kind: str
    message: str
    good: tuple[Object, ...]
    bad: tuple[Object, ...]
    status: Object = field(default_factory=dict)
    old: Object = field(default_factory=dict)


def _column(**rules: Any) -> Object:
    return {"columns": [{"name": "x", **rules}]}


_NAME = "metadata.name must be a DNS-1035 label"

CREATES = (
    *(
        Create(kind, _NAME, good_name=good, bad_name=bad)
        for kind in ("Dataset", "TrainingRun", "Model", "ModelDeployment", "ModelPool")
        for good, bad in ((LONGEST, LONGEST + "a"), ("a-1", "1-a"), ("a-b", "a.b"))
    ),
    Create(
        "Dataset",
        "write exactly one of configMap and volume",
        good={"source": {"configMap": None, "volume": {"claimName": "lake", "path": "a.csv"}}},
        bad={"source": {"volume": {"claimName": "lake", "path": "a.csv"}}},
    ),
    Create("Dataset", "write exactly one of configMap and volume", bad={"source": {"configMap": None}}),
    *(
        Create(
            "Dataset",
            "path is relative to the volume's root, without '..'",
            good={"source": {"configMap": None, "volume": {"claimName": "lake", "path": good}}},
            bad={"source": {"configMap": None, "volume": {"claimName": "lake", "path": bad}}},
        )
        for good, bad in (("a/b..csv", "a/../b.csv"), ("a", "/a"), ("...", ".."))
    ),
    Create(
        "Dataset",
        "values belongs to a column of type Category",
        good=_column(type="Category", values=["a"]),
        bad=_column(type="Integer", values=["1"]),
    ),
    Create(
        "Dataset",
        "min and max belong to a column of type Float or Integer",
        good=_column(type="Integer", max=3),
        bad=_column(type="Category", max=3),
    ),
    Create(
        "Dataset",
        "min must not be greater than max",
        good=_column(type="Float", min=-1, max=-1.0),
        bad=_column(type="Float", min=0.5, max=-1),
    ),
    Create("Dataset", "ignore must not name the target", good={"ignore": ["x"]}, bad={"ignore": ["x", "y"]}),
    Create(
        "TrainingRun",
        "write exactly one of estimator and container",
        good={"trainer": {"estimator": None, "container": {"image": "a"}}},
        bad={"trainer": {"container": {"image": "a"}}},
    ),
    Create("TrainingRun", "write exactly one of estimator and container", bad={"trainer": {"estimator": None}}),
    Create(
        "TrainingRun",
        "the image of a container is spec.trainer.container.image; leave podTemplate.image out",
        good={"podTemplate": {"image": "a"}},
        bad={"trainer": {"estimator": None, "container": {"image": "a"}}, "podTemplate": {"image": "a"}},
    ),
    Create(
        "Model",
        "write min, max or both",
        good={"gates": [{"name": "g", "metric": "accuracy", "min": 0}]},
        bad={"gates": [{"name": "g", "metric": "accuracy"}]},
    ),
    Create(
        "Model",
        "min must not be greater than max",
        good={"gates": [{"name": "g", "metric": "accuracy", "min": 0.5, "max": 1}]},
        bad={"gates": [{"name": "g", "metric": "accuracy", "min": 1, "max": 0.5}]},
    ),
    Create(
        "Model",
        "a gate's metric must fit task Classification",
        good={"gates": [{"name": "g", "metric": "log_loss", "max": 1}]},
        bad={"gates": [{"name": "g", "metric": "r2", "min": 0.5}]},
    ),
    Create(
        "Model",
        "a gate's metric must fit task Regression",
        good={"task": "Regression", "gates": [{"name": "g", "metric": "r2", "min": 0.5}]},
        bad={"task": "Regression", "gates": [{"name": "g", "metric": "accuracy", "min": 0.5}]},
    ),
    Create(
        "ModelVersion",
        "an imported model needs lineage.datasetVersion",
        good={"lineage": {"datasetVersion": None, "trainingRun": "run"}},
        bad={"lineage": None},
    ),
    *(
        Create(
            "ModelVersion",
            "metadata.name must be <spec.modelRef.name>-v<spec.number>",
            good={"number": 12},
            good_name="m-v12",
            bad={"number": 12},
            bad_name=bad,
        )
        for bad in ("m-v1", "m-v012", "m-12", "other-v12", "m-v12-v12", "m", "m-v")
    ),
    Create(
        "ModelDeployment",
        "write exactly one of alias (follow it) and version (pin it)",
        good={"modelRef": {"alias": None, "version": 3}},
        bad={"modelRef": {"version": 3}},
    ),
    Create("ModelDeployment", "write exactly one of alias", bad={"modelRef": {"alias": None}}),
    *(
        Create("ModelDeployment", f"with pool {message}", good={"pool": "small", **good}, bad={"pool": "small", **bad})
        for message, good, bad in (
            (
                "the only strategy is Rolling",
                {"rollout": {"strategy": "Rolling"}},
                {"rollout": {"strategy": "BlueGreen"}},
            ),
            ("leave replicas out", {"replicas": 1}, {"replicas": 2}),
            ("leave autoscaling out", {}, {"autoscaling": {"maxReplicas": 2}}),
            ("leave gateway out", {}, {"gateway": {"name": "gw", "hostname": "m.example.com"}}),
            ("leave podTemplate out", {"podTemplate": {}}, {"podTemplate": {"image": "a"}}),
            ("leave podTemplate out", {"podTemplate": {"env": []}}, {"podTemplate": {"env": [{"name": "A"}]}}),
            ("leave podTemplate out", {}, {"podTemplate": {"nodeSelector": {"a": "b"}}}),
            ("leave logging out", {"logging": {"sampleRate": 0}}, {"logging": {"sampleRate": 0.1}}),
        )
    ),
)

UPDATES = (
    Update(
        "DatasetVersion",
        "a DatasetVersion is immutable",
        good=({},),
        bad=({"rows": 11}, {"parent": "table-0"}, {"columns": []}),
    ),
    Update(
        "ModelVersion",
        "a ModelVersion is immutable",
        good=({},),
        bad=(
            {"artifact": {"bytes": 1}},
            {"metrics": {"accuracy": 0.5}},
            {"lineage": {"parameters": {"n_estimators": 10}}},
        ),
    ),
    Update(
        "Model",
        "task is immutable",
        good=({"promotion": "Automatic"}, {"pin": {"version": 1}}),
        bad=({"task": "Regression"},),
    ),
    Update(
        "TrainingRun",
        "a TrainingRun that has started is immutable",
        status={"startTime": "2026-01-01T00:00:00Z"},
        good=(
            {"suspend": False},
            {"ttlSecondsAfterFinished": 60},
            {"activeDeadlineSeconds": 60},
            {"podTemplate": {"resources": {"requests": {"cpu": 1}}}},
        ),
        bad=(
            {"datasetRef": {"name": "other"}},
            {"datasetRef": {"version": "table-1"}},
            {"modelRef": {"name": "m"}},
            {"trainer": {"estimator": {"params": {"n_estimators": 11}}}},
            {"trainer": {"estimator": {"params": {"n_estimators": None, "max_depth": 10}}}},
            {"trainer": {"estimator": None, "container": {"image": "a"}}},
            {"objective": "accuracy"},
            {"additionalMetrics": ["accuracy"]},
            {"seed": 1},
            {"backoffLimit": 0},
            {"suspend": False, "podTemplate": {"image": "other"}},
        ),
    ),
    Update(
        "TrainingRun",
        "a TrainingRun that has started is immutable",
        old={"suspend": False, "modelRef": {"name": "m"}, "objective": "accuracy"},
        status={"startTime": "2026-01-01T00:00:00Z"},
        good=({"suspend": True},),
        bad=(
            {"podTemplate": {"image": "other"}},
            {"suspend": True, "podTemplate": {"image": "other"}},
            {"modelRef": None},
            {"modelRef": {"name": "other"}},
            {"objective": None},
            {"objective": "log_loss"},
        ),
    ),
    Update(
        "TrainingRun",
        "a TrainingRun that has started is immutable",
        good=({"seed": 1, "trainer": {"estimator": {"params": {"n_estimators": 11}}}}, {"podTemplate": {"image": "a"}}),
        bad=(),
    ),
)
