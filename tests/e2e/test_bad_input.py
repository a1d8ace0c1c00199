"""Checks that bad input yields a condition that names the field and what is allowed, and no pointless retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.kube import Kube, condition
from tests.support.mainjob import EXAMPLES, FIRST_DATA

pytestmark = pytest.mark.cluster
CSV = "a,b,y\n" + "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(60))


@dataclass(frozen=True)
class Case:
    name: str
    reason: str
    says: tuple[str, ...]
    spec: dict[str, Any]
    data: str | None = CSV
    ready: str = "False"
    starts_pods: bool = True


def dataset(name: str, reason: str, *says: str, data: str | None = CSV, key: str = "t.csv", **spec: Any) -> Case:
    full_spec = {"source": {"configMap": {"name": name, "key": key}}, "target": "y"} | spec
    return Case(name, reason, says, full_spec, data)


DATASETS = [
    dataset("no-configmap", "SourceNotFound", "spec.source.configMap.name", "no-configmap", data=None),
    dataset("no-key", "SourceNotFound", "spec.source.configMap.key", "other.csv", "t.csv", key="other.csv"),
    dataset("no-claim", "SourceNotFound", "claimName", "nowhere",
            source={"volume": {"claimName": "nowhere", "path": "x.csv"}}),
    dataset("no-target", "TargetNotFound", "spec.target", "species", "a, b, y", target="species"),
    dataset("not-parquet", "UnreadableFile", "spec.source", "Parquet",
            source={"configMap": {"name": "not-parquet", "key": "t.csv"}, "format": "Parquet"}),
    dataset("empty", "EmptyTable", "no rows", data="a,b,y\n"),
    dataset("one-class", "SingleClass", "yes", data="a,y\n" + "1,yes\n" * 20),
    dataset("rejected", "ValidationFailed", "a", "max", columns=[{"name": "a", "type": "Float", "max": 10}]),
]  # fmt: skip


def estimator(algorithm: str = "DecisionTreeClassifier", **more: Any) -> dict[str, Any]:
    return {"estimator": {"algorithm": algorithm} | more}


def _python(program: str) -> dict[str, Any]:
    container = {"image": "localhost/modelyard/runtime:dev", "command": ["python", "-c", program]}
    return {"backoffLimit": 0, "trainer": {"container": container}}


RUNS = [
    Case("unknown-algorithm", "UnknownAlgorithm", ("algorithm", "RandomForestClasifier", "RandomForestClassifier"),
         {"trainer": estimator("RandomForestClasifier")}, starts_pods=False),
    Case("unknown-parameter", "UnknownParameter", ("params", "max_dept", "max_depth"),
         {"trainer": estimator(params={"max_dept": 3})}),
    Case("bad-parameter", "InvalidParameter", ("max_depth",), {"trainer": estimator(params={"max_depth": -1})}),
    Case("unknown-column", "UnknownColumn", ("exclude", "nope"),
         {"trainer": estimator(features={"exclude": ["nope"]})}),
    Case("wrong-metric", "MetricDoesNotFit", ("spec.objective", "r2", "balanced_accuracy"),
         {"trainer": estimator(), "objective": "r2"}, starts_pods=False),
    Case("no-image", "ImagePullFailed", ("spec.podTemplate.image", "localhost/nothing:here"),
         {"trainer": estimator(), "podTemplate": {"image": "localhost/nothing:here"}}),
    Case("container-fails", "ContainerFailed", ("exit code 3", "out of luck"),
         {"backoffLimit": 0, "trainer": {"container": {
             "image": "localhost/modelyard/runtime:dev",
             "command": ["python", "-c", "import sys; print('out of luck', flush=True); sys.exit(3)"]}}}),
    Case("writes-nothing", "ContainerWroteNothing", ("/modelyard/out/model.onnx",), _python("pass")),
    Case("writes-a-folder", "InvalidModel", ("model.onnx is a folder",),
         _python("import os; os.mkdir('/modelyard/out/model.onnx')")),
    Case("writes-a-link", "InvalidModel", ("a link that leads out of /modelyard/out", "/etc/passwd"),
         _python("import os; os.symlink('/etc/passwd', '/modelyard/out/model.onnx')")),
    Case("crashes", "ContainerFailed", ("was killed by signal 11 (SIGSEGV)",),
         _python("import ctypes; ctypes.string_at(0)")),
]  # fmt: skip


def check(kube: Kube, kind: str, case: Case) -> None:
    kube.until_condition(kind, case.name, "Ready", case.ready, case.reason, 120)
    obj = kube.get(kind, case.name)
    ready, stalled = condition(obj, "Ready"), condition(obj, "Stalled")
    assert stalled is not None, f"{case.name}: waiting tools would wait for ever"
    assert stalled["status"] == "True"
    for word in case.says:
        assert word in ready["message"], f"{case.name}: {word!r} is not in {ready['message']!r}"
    assert "Traceback" not in ready["message"]
    assert "\n" not in ready["message"]


def test_bad_datasets(kube: Kube) -> None:
    for case in DATASETS:
        meta = {"name": case.name, "namespace": kube.namespace}
        if case.data is not None:
            kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": case.data}})
        kube.apply({"apiVersion": "modelyard.dev/v1alpha1", "kind": "Dataset", "metadata": meta, "spec": case.spec})
    for case in DATASETS:
        check(kube, "dataset", case)
    for job in kube.list("jobs"):
        assert (job["status"].get("failed") or 0) <= 1, f"{job['metadata']['name']} was tried again"
    # The operator finds a ConfigMap that is created later, although the Dataset isn't touched.
    meta = {"name": "no-configmap", "namespace": kube.namespace}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": CSV}})
    kube.until_condition("dataset", "no-configmap", seconds=90)


def test_bad_training_runs(kube: Kube) -> None:
    meta = {"name": "good", "namespace": kube.namespace}
    source = {"configMap": {"name": "good", "key": "t.csv"}}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": CSV}})
    kind = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Dataset"}
    kube.apply({**kind, "metadata": meta, "spec": {"source": source, "target": "y"}})
    kube.until_condition("dataset", "good")
    for case in RUNS:
        meta = {"name": case.name, "namespace": kube.namespace}
        spec = {"datasetRef": {"name": "good"}} | case.spec
        kube.apply({"apiVersion": "modelyard.dev/v1alpha1", "kind": "TrainingRun", "metadata": meta, "spec": spec})
    for case in RUNS:
        check(kube, "trainingrun", case)
        jobs = kube.list("jobs", f"modelyard.dev/trainingrun={case.name}")
        assert bool(jobs) == case.starts_pods, f"{case.name}: {len(jobs)} Jobs"
        for job in jobs:
            assert (job["status"].get("failed") or 0) <= 1, f"{case.name} was tried again"


def test_doubtful_models_are_told_of(kube: Kube) -> None:
    """The data's classes follow from no feature in a straight line, and three rounds are too few for a network."""
    meta = {"name": "good", "namespace": kube.namespace}
    source = {"configMap": {"name": "good", "key": "t.csv"}}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"t.csv": CSV}})
    kind = {"apiVersion": "modelyard.dev/v1alpha1"}
    kube.apply({**kind, "kind": "Dataset", "metadata": meta, "spec": {"source": source, "target": "y"}})
    for name, trainer in (
        ("straight", estimator("LogisticRegression")),
        ("short", estimator("MLPClassifier", params={"max_iter": 3})),
    ):
        spec = {"datasetRef": {"name": "good"}, "trainer": trainer}
        kube.apply({**kind, "kind": "TrainingRun", "metadata": {**meta, "name": name}, "spec": spec})
    kube.until_condition("trainingrun", "straight", seconds=120)
    straight = kube.get("trainingrun", "straight")
    doubt, converged, trained = (condition(straight, type_) for type_ in ("BetterThanBaseline", "Converged", "Trained"))
    assert (doubt["status"], doubt["reason"]) == ("False", "NoBetterThanBaseline")
    assert "the most frequent class" in doubt["message"]
    assert converged["status"] == "True"
    assert "numbers were scaled: Standard" in trained["message"]
    assert condition(straight, "Complete")["status"] == "True"
    kube.until_condition("trainingrun", "short", seconds=120)
    doubt = condition(kube.get("trainingrun", "short"), "Converged")
    assert (doubt["status"], doubt["reason"]) == ("False", "NotConverged")
    assert "max_iter" in doubt["message"]


def test_a_run_waits_for_what_it_refers_to(kube: Kube) -> None:
    """GitOps applies in any order: an object that comes before what it refers to waits and doesn't fail."""
    for file in ("trainingrun-2008.yaml", "modeldeployment.yaml"):
        kube.run("apply", "--server-side", "-f", str(EXAMPLES / file))
    kube.until_condition("trainingrun", "species-2008", "Ready", "False", "ModelNotFound", 30)
    kube.until_condition("modeldeployment", "species", "Ready", "False", "ModelNotFound", 30)
    kube.run("apply", "--server-side", "-f", str(EXAMPLES / "model.yaml"))
    kube.until_condition("trainingrun", "species-2008", "Ready", "False", "DatasetNotFound", 30)
    kube.until_condition("modeldeployment", "species", "Ready", "False", "AliasNotSet", 30)
    kube.run("apply", "--server-side", "-f", str(EXAMPLES / "dataset.yaml"))
    kube.until_condition("dataset", "penguins", "Ready", "False", "SourceNotFound", 30)
    data = (EXAMPLES / FIRST_DATA).read_text()
    meta = {"name": "penguins", "namespace": kube.namespace}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"penguins.csv": data}})
    kube.until_condition("trainingrun", "species-2008", seconds=180)
