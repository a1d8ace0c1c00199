"""Checks which objects a change wakes, by the facts of the kinds and by what the kinds' folders add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelyard.engine.resource import (
    CONFIG_MAPS,
    DATASET_VERSIONS,
    DATASETS,
    ENDPOINT_SLICES,
    GATEWAYS,
    HTTP_ROUTES,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    PIPELINES,
    SCALED_OBJECTS,
    TRAINING_RUNS,
    Object,
    Resource,
)
from modelyard.engine.store import Store
from modelyard.kinds import all_controllers
from modelyard.workload.names import RUN_UID
from modelyard.workload.wiring import Controller
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS

TRUE = "True"


class Cluster:
    """A store with the indexes of all controllers, which tells which objects a change wakes."""

    def __init__(self) -> None:
        self.controllers = all_controllers(Installation())
        self.store, self._version = Store(), 0
        for controller in self.controllers:
            for resource, indexes in controller.indexes().items():
                for name, index in indexes.items():
                    self.store.add_index(resource, name, index)

    def of(self, resource: Resource) -> Controller:
        return next(controller for controller in self.controllers if controller.resource == resource)

    def put(
        self,
        resource: Resource,
        name: str,
        spec: Object | None = None,
        labels: dict[str, str] | None = None,
        true: str = "",
        **status: Any,
    ) -> set[str]:
        """Stores an object, and returns the objects that this wakes; ``true`` names a condition that holds."""
        self._version += 1
        meta = {"namespace": "n", "name": name, "uid": name, "resourceVersion": str(self._version), "labels": labels}
        conditions = [{"type": true, "status": TRUE}] if true else []
        obj = {"metadata": meta, "spec": spec or {}, "status": {"conditions": conditions, **status}}
        self.store.apply(resource, obj)
        return set(self._woken(resource, obj))

    def _woken(self, resource: Resource, obj: Object) -> Iterator[str]:
        for controller in self.controllers:
            if resource in controller.watches:
                yield from (f"{key.resource.kind}/{key.name}" for key in controller.keys_of(resource, obj, self.store))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_every_kind_has_a_controller() -> None:
    assert [controller.resource.kind for controller in all_controllers(Installation())] == list(KINDS)


def test_a_child_wakes_the_object_that_its_label_names(cluster: Cluster) -> None:
    labels = {"modelyard.dev/trainingrun": "r"}
    assert cluster.put(JOBS, "j", labels=labels) == {"TrainingRun/r"}
    assert cluster.put(JOBS, "j") == set()
    assert cluster.put(ENDPOINT_SLICES, "s", labels={"modelyard.dev/modeldeployment": "d"}) == {"ModelDeployment/d"}


def test_what_a_person_reads_from_and_what_not_every_cluster_has_is_not_watched(cluster: Cluster) -> None:
    watches = cluster.of(MODEL_DEPLOYMENTS).watches
    assert not {HTTP_ROUTES, SCALED_OBJECTS, GATEWAYS} & set(watches)
    assert CONFIG_MAPS not in cluster.of(DATASETS).watches


def test_what_is_referred_to_wakes_those_that_still_wait_for_it(cluster: Cluster) -> None:
    run = {"datasetRef": {"name": "d"}, "modelRef": {"name": "m"}}
    cluster.put(TRAINING_RUNS, "waits", run)
    cluster.put(TRAINING_RUNS, "other", {"datasetRef": {"name": "e"}})
    for over in ("Complete", "Failed"):
        cluster.put(TRAINING_RUNS, over.lower(), run, true=over)
    assert cluster.put(DATASETS, "d") == cluster.put(MODELS, "m") == {"TrainingRun/waits"}
    assert cluster.put(DATASETS, "e") == {"TrainingRun/other"}


def test_a_version_of_data_wakes_the_runs_on_its_dataset_and_the_imports_to_be_scored(cluster: Cluster) -> None:
    cluster.put(TRAINING_RUNS, "waits", {"datasetRef": {"name": "d"}})
    imported = {"modelRef": {"name": "m"}, "lineage": {"datasetVersion": "d-1"}}
    cluster.put(MODEL_VERSIONS, "m-v1", imported)
    cluster.put(MODEL_VERSIONS, "m-v2", imported, true="Verified")
    labels = {"modelyard.dev/dataset": "d"}
    woken = cluster.put(DATASET_VERSIONS, "d-1", {"datasetRef": {"name": "d"}}, labels)
    assert woken == {"Dataset/d", "TrainingRun/waits", "ModelVersion/m-v1"}


def test_a_version_of_data_wakes_the_pipelines_that_watch_its_dataset(cluster: Cluster) -> None:
    cluster.put(PIPELINES, "p", {"triggers": [{"name": "fresh", "dataset": {"name": "d"}}]})
    cluster.put(PIPELINES, "other", {"triggers": [{"name": "fresh", "dataset": {"name": "e"}}]})
    woken = cluster.put(DATASET_VERSIONS, "d-1", {"datasetRef": {"name": "d"}}, true="Ready")
    assert {name for name in woken if name.startswith("Pipeline/")} == {"Pipeline/p"}


def test_a_lineage_wakes_no_run_and_a_dataset_wakes_only_versions_without_owner(cluster: Cluster) -> None:
    cluster.put(MODEL_VERSIONS, "m-v1", {"modelRef": {"name": "m"}, "lineage": {"trainingRun": "r"}})
    cluster.put(DATASET_VERSIONS, "d-1", {"datasetRef": {"name": "d"}})
    assert cluster.put(TRAINING_RUNS, "r", {"datasetRef": {"name": "d"}}) == set()
    assert cluster.put(DATASETS, "d") == {"TrainingRun/r", "DatasetVersion/d-1"}


def test_a_run_wakes_its_model_when_its_version_can_be_registered(cluster: Cluster) -> None:
    run = {"datasetRef": {"name": "d"}, "modelRef": {"name": "m"}}
    assert cluster.put(TRAINING_RUNS, "r", run) == set()
    assert cluster.put(TRAINING_RUNS, "r", run, true="Trained") == {"Model/m"}
    assert [obj["metadata"]["name"] for obj in cluster.store.find(TRAINING_RUNS, "unregistered", "n/m")] == ["r"]
    assert cluster.put(TRAINING_RUNS, "r", run, true="Trained", outputs={"modelVersion": "m-v1"}) == set()
    assert not cluster.store.find(TRAINING_RUNS, "unregistered", "n/m")


def test_a_version_of_a_model_wakes_all_that_has_to_do_with_it(cluster: Cluster) -> None:
    cluster.put(MODEL_DEPLOYMENTS, "d", {"modelRef": {"name": "m"}, "pool": "p"})
    cluster.put(MODEL_DEPLOYMENTS, "e", {"modelRef": {"name": "other"}, "pool": "q"})
    labels = {"modelyard.dev/trainingrun": "r"}
    spec = {"modelRef": {"name": "m"}}
    everybody = {"Model/m", "ModelDeployment/d", "ModelPool/p"}
    assert cluster.put(MODEL_VERSIONS, "m-v1", spec, labels) == everybody, "anybody can set that label"
    assert cluster.put(MODEL_VERSIONS, "m-v1", spec, labels | {RUN_UID: "u"}) == {*everybody, "TrainingRun/r"}
    assert [obj["metadata"]["name"] for obj in cluster.store.find(MODEL_VERSIONS, "run", "u")] == ["m-v1"]


def test_a_deployment_wakes_the_pool_that_it_asks_for_and_the_one_that_still_serves_it(cluster: Cluster) -> None:
    spec = {"modelRef": {"name": "m"}, "pool": "new"}
    assert cluster.put(MODEL_DEPLOYMENTS, "d", spec, pool="old") == {"ModelPool/new", "ModelPool/old"}
    assert cluster.put(MODEL_POOLS, "old") == cluster.put(MODEL_POOLS, "new") == {"ModelDeployment/d"}
    assert cluster.put(MODEL_POOLS, "none") == set()
