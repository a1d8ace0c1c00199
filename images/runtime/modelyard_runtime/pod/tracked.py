"""Records a trained model as a run of the tracking server."""

from __future__ import annotations

from modelyard_api.fields.artifact import RESULT_JSON, experiment
from modelyard_api.fields.trainer import Estimator
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import SweepTask, TrainTask
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.tracking import Tracking


def experiment_of(task: TrainTask | SweepTask) -> str:
    """Returns the name of the experiment of a run: its Model's, or its own."""
    ref = task.spec.model_ref if isinstance(task, SweepTask) else None
    model = task.model if isinstance(task, TrainTask) else ref and ref.name
    return experiment(task.subject.namespace, model or task.subject.name)


def keep(task: TrainTask, store: ArtifactStore, result: TrainResult) -> None:
    """Logs the run to the tracking server, adds its ids to the result, and writes the result beside the model."""
    tracking = Tracking(store.web)
    subject = task.subject
    experiment_id = tracking.experiment(experiment_of(task))
    spec: Estimator | None = task.trainer.estimator
    params = {"algorithm": spec.algorithm if spec else task.trainer.field.rpartition(".")[2], **result.parameters}
    tags = {
        "modelyard.dev/namespace": subject.namespace,
        "modelyard.dev/trainingrun": subject.name,
        "modelyard.dev/dataset-version": task.data.name,
        "modelyard.dev/dataset-digest": task.data.digest,
        "modelyard.dev/artifact-uri": result.artifact_uri,
        "modelyard.dev/artifact-digest": result.artifact_digest,
        "modelyard.dev/image": task.image,
        "modelyard.dev/source-digest": result.source_digest,
        **{f"modelyard.dev/script/{key}": digest for key, digest in task.script_files.items()},
    }
    result.tracking_experiment_id = experiment_id
    result.tracking_run_id = tracking.log(experiment_id, subject.name, subject.uid, params, result.metrics, tags)
    store.put_json_first(f"{result.artifact_uri}/{RESULT_JSON}", result.wire())
