"""Builds objects as a person applies them, results as pods leave them, and statuses as Kubernetes sets them."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import TypeAdapter

from modelyard.engine.conditions import timestamp
from modelyard.engine.resource import CLAIMS, CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, JOBS, SERVICES, Object
from modelyard_api.wire.task import ANNOTATION, EvaluateTask, IngestTask, Task, TrainTask
from tests.kinds.sample import SIGNATURE
from tests.unit.kinds.world import NAMESPACE, World

LONG = "a-model-name-of-the-greatest-length-allowed-x"
assert len(LONG) == 45
_TASK: TypeAdapter[Task] = TypeAdapter(Task)


def digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def meta(name: str, **more: Any) -> Object:
    return {"metadata": {"name": name, "namespace": NAMESPACE, **more}}


def dataset(name: str = "penguins", **spec: Any) -> Object:
    source = {"configMap": {"name": name, "key": "t.csv"}}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Dataset", **meta(name)} | {
        "spec": {"source": source, "target": "y", **spec}
    }


def run(name: str = "forest", **spec: Any) -> Object:
    base = {"datasetRef": {"name": "penguins"}, "trainer": {"estimator": {"algorithm": "RandomForestClassifier"}}}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "TrainingRun", **meta(name), "spec": base | spec}


def model(name: str = "species", **spec: Any) -> Object:
    base = {"task": "Classification", "promotion": "Automatic"}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Model", **meta(name), "spec": base | spec}


def deployment(name: str = "species", **spec: Any) -> Object:
    base = {"modelRef": {"name": "species", "alias": "champion"}, "replicas": 2}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelDeployment", **meta(name), "spec": base | spec}


def imported(number: int, model: str = "species", data: str = "", **spec: Any) -> Object:
    """Returns a ModelVersion as a person who imports one writes it."""
    uri = f"mlflow-artifacts:/modelyard/{NAMESPACE}/imports/{model}/{number}"
    base = {
        "modelRef": {"name": model},
        "number": number,
        "artifact": {"uri": uri, "digest": digest(uri)},
        "lineage": {"datasetVersion": data},
    }
    name = f"{model}-v{number}"
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelVersion", **meta(name), "spec": base | spec}


def put_data(world: World, content: str, name: str = "penguins") -> None:
    """Stores the ConfigMap that the Dataset of this name reads."""
    world.put(CONFIG_MAPS, {**meta(name), "data": {"t.csv": content}})


def put_claim(world: World, name: str = "lake") -> None:
    world.put(CLAIMS, meta(name))


# --- what the programs in the pods write: the same for the same task and data -------------------------------------


def task_of(job: Object, kind: type[Any]) -> Any:
    return kind.model_validate_json(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION])


def ingest_result(job: Object, content: str, **more: Any) -> Object:
    """Returns an ingest result; as in the runtime, the rows make the digest, rows and declaration the version's id."""
    task: IngestTask = task_of(job, IngestTask)
    declared = task.spec.model_dump_json(include={"target", "columns", "split", "validation", "ignore"})
    version_id = hashlib.sha256(f"{content}\0{declared}".encode()).hexdigest()
    return {
        "kind": "Ingest",
        "accepted": True,
        "versionId": version_id,
        "uri": f"{task.base_uri}/{version_id}",
        "digest": digest(content),
        "rows": 100,
        "testRows": 20,
        "bytes": 4096,
        "target": task.spec.target,
        "columns": [{"name": "x", "type": "Float"}, {"name": task.spec.target, "type": "Category"}],
        "profile": True,
        "report": True,
    } | more


def train_result(job: Object, accuracy: float = 0.9, **more: Any) -> Object:
    task: TrainTask = task_of(job, TrainTask)
    return {
        "kind": "Train",
        "task": "Classification",
        "artifactURI": f"{task.base_uri}/model",
        "artifactDigest": digest(f"{task.base_uri}{task.data.digest}"),
        "artifactBytes": 1000,
        "signature": SIGNATURE,
        "objective": "balanced_accuracy",
        "metrics": {"balanced_accuracy": accuracy, "log_loss": 0.3},
        "sourceDigest": digest("source"),
        "parameters": {"n_estimators": 100},
        "datasetVersion": task.data.name,
        "datasetDigest": task.data.digest,
        "image": task.image,
        "trackingRunId": "r1",
        "trackingExperimentId": "7",
    } | more


def evaluate_result(job: Object, accuracy: float = 0.9, **more: Any) -> Object:
    task: EvaluateTask = task_of(job, EvaluateTask)
    metrics = {"balanced_accuracy": accuracy}
    result = {"kind": "Evaluate", "artifactDigest": task.artifact_digest, "artifactBytes": 9, "signature": SIGNATURE}
    return result | {"metrics": metrics} | more


def failed(reason: str, message: str) -> Object:
    return {"kind": "Failed", "error": {"reason": reason, "message": message}}


def leave(world: World, job: Object, result: Object | None) -> None:
    """Writes a result to the task's ``resultURI`` and beside the bytes that it describes.

    Like the runtime, this keeps the result that an earlier pod of the same task has left.
    """
    uri = _TASK.validate_json(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION]).result_uri
    earlier = world.results.get(uri)
    if earlier is not None and result is not None and earlier["kind"] == result["kind"] != "Failed":
        result = earlier
    if result is None:
        return
    world.results[uri] = result
    beside = result.get("uri") or result.get("artifactURI")
    if beside:
        world.results[f"{beside}/result.json"] = result


# --- the statuses that the Job controller and the kubelet set ------------------------------------------------------


def set_job(world: World, job: Object, **status: Any) -> None:
    world.status(JOBS, job["metadata"]["name"], status)


def active(world: World, job: Object, ready: int = 1, **more: Any) -> None:
    set_job(world, job, active=1, ready=ready, startTime=job["metadata"]["creationTimestamp"], **more)


def complete(world: World, job: Object, result: Object | None = None) -> None:
    leave(world, job, result)
    set_job(world, job, succeeded=1, conditions=[{"type": "Complete", "status": "True"}])


def fail(
    world: World, job: Object, result: Object | None = None, because: str = "BackoffLimitExceeded", **state: Any
) -> None:
    """Lets a Job fail; ``state`` is the terminated state of its main container."""
    leave(world, job, result)
    if state:
        world.pods[job["metadata"]["uid"]] = [pod(job, terminated={"exitCode": 1, **state})]
    message = "Job has reached the specified backoff limit"
    set_job(
        world, job, failed=1, conditions=[{"type": "Failed", "status": "True", "reason": because, "message": message}]
    )


def pod(job: Object, name: str = "main", conditions: list[Object] | None = None, **state: Any) -> Object:
    """Returns a pod of a Job with one container, in the given state."""
    spec = {"containers": [{"name": name, "resources": {"limits": {"memory": "1Gi"}}}]}
    phase = "Failed" if "terminated" in state else "Pending"
    statuses = [{"name": name, "image": "some/image:1", "state": state}]
    status = {"phase": phase, "containerStatuses": statuses, "conditions": conditions or []}
    return {"metadata": {"name": f"{job['metadata']['name']}-abcde"}, "spec": spec, "status": status}


def roll_out(world: World, name: str = "species", ready: int | None = None, **more: Any) -> None:
    """Sets the status of all Deployments of a ModelDeployment, as the Deployment controller does.

    ``ready`` is the number of ready pods of the newest one; None means all of them.
    """
    children = [child for child in world.all(DEPLOYMENTS) if child["metadata"]["labels"].get(_PARENT) == name]
    for child in children:
        newest = child is children[-1]
        replicas = child["spec"]["replicas"]
        up = replicas if ready is None or not newest else ready
        counts = {"replicas": replicas, "updatedReplicas": up, "readyReplicas": up, "availableReplicas": up}
        state = {"observedGeneration": child["metadata"]["generation"], **counts, **(more if newest else {})}
        world.status(DEPLOYMENTS, child["metadata"]["name"], state)
    publish(world)


def publish(world: World) -> None:
    """Writes an EndpointSlice with the ready pods of every Service, as the EndpointSlice controller does."""
    for service in world.all(SERVICES):
        meta, selector = service["metadata"], service["spec"]["selector"].items()
        ready = sum(
            (child.get("status") or {}).get("readyReplicas", 0)
            for child in world.all(DEPLOYMENTS)
            if selector <= child["spec"]["template"]["metadata"]["labels"].items()
        )
        owner = {"apiVersion": "v1", "kind": "Service", "name": meta["name"], "uid": meta["uid"], "controller": True}
        slice_meta = {"name": f"{meta['name']}-abcde", "namespace": meta["namespace"], "ownerReferences": [owner]}
        slice_meta["labels"] = {**meta["labels"], "kubernetes.io/service-name": meta["name"]}
        endpoints = [{"addresses": [f"10.0.0.{k}"], "conditions": {"ready": True}} for k in range(ready)]
        world.put(ENDPOINT_SLICES, {"metadata": slice_meta, "addressType": "IPv4", "endpoints": endpoints})


_PARENT = "modelyard.dev/modeldeployment"


def at(world: World) -> str:
    return timestamp(world.now)
