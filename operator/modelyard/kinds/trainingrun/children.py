"""The Job of a TrainingRun."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload import template
from modelyard.workload.failures import Fields
from modelyard.workload.names import child_metadata, child_name, short_hash
from modelyard.workload.run.jobs import MAIN, POD_TEMPLATE, job
from modelyard.workload.run.run import Run
from modelyard_api.fields.artifact import RESULT_JSON, canonical, folder
from modelyard_api.fields.metrics import Task
from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import COLLECT_READY, Data, Subject, TrainTask

LAY_OUT = "lay-out"
"""The init container before a container of the user's own."""


def job_name(run: TrainingRun) -> str:
    """With a hash of the uid: a run that was deleted and applied again never meets the old one's Job."""
    return child_name(run.name, "train", run.uid)


def base_uri(run: TrainingRun) -> str:
    return folder(run.namespace, run.uid)


def result_uri(run: TrainingRun) -> str:
    return f"{base_uri(run)}/{RESULT_JSON}"


def fields(view: View) -> Fields:
    """What messages about the pods name."""
    own = view.run.spec.trainer.container is not None
    return Fields(own_image="spec.trainer.container.image" if own else None)


def run(view: View) -> Run[TrainResult]:
    status = view.run.status
    where = status.result_uri or result_uri(view.run)
    return Run(TrainResult, where, view.run.spec, status.attempts, fields(view))


def image(view: View) -> str:
    """The image that trains, as the spec and the installation have it now."""
    trainer, pod = view.run.spec.trainer, view.run.spec.pod_template
    own = trainer.container.image if trainer.container else pod.image
    return own or view.installation.images.runtime


def recorded_image(view: View) -> str:
    """The one that was recorded at the start, so that a new default does not change a run."""
    return view.run.status.image or image(view)


def pod_template(view: View) -> str:
    """The digest of the pod template, by which a Job made from an older one is known."""
    return short_hash(canonical(view.run.spec.pod_template.wire()).decode())


def data_of(version: Object) -> Data:
    spec = DatasetVersionSpec.model_validate(version["spec"])
    return Data(
        name=version["metadata"]["name"], uri=spec.uri, digest=spec.digest, target=spec.target, columns=spec.columns
    )


def training_job(view: View, version: Object) -> Object:
    run, spec = view.run, view.run.spec
    task = TrainTask(
        subject=Subject(namespace=run.namespace, name=run.name, uid=run.uid),
        tracking_url=view.installation.tracking_url,
        base_uri=base_uri(run),
        result_uri=result_uri(run),
        data=data_of(version),
        model=spec.model_ref.name if spec.model_ref else None,
        task=Task(view.model["spec"]["task"]) if view.model else None,
        trainer=spec.trainer,
        objective=spec.objective,
        additional_metrics=spec.additional_metrics,
        seed=spec.seed,
        image=recorded_image(view),
    )
    metadata = child_metadata(view.raw, job_name(run), "modelyard-training")
    metadata["annotations"] = {POD_TEMPLATE: pod_template(view)}
    if spec.trainer.container:
        return job(metadata, task, _own_container(view), spec, run.status.attempts, asks_store=LAY_OUT)
    return job(metadata, task, _estimator(view), spec, run.status.attempts)


def _estimator(view: View) -> dict[str, Any]:
    spec, default = view.run.spec, view.installation.resources.run
    main = template.container(
        MAIN, recorded_image(view), spec.pod_template, default, [template.TASK_MOUNT], args=["train"]
    )
    return template.pod(spec.pod_template, [template.task_volume()], containers=[main])


def _own_container(view: View) -> dict[str, Any]:
    """The user's container between an init container that lays the inputs out and a native sidecar that, told to
    stop once it has ended, checks and uploads what it wrote."""
    spec, default = view.run.spec, view.installation.resources.run
    container, ours = spec.trainer.container, view.installation.images.runtime
    assert container is not None
    folders = [template.TASK_MOUNT, template.IN_MOUNT, template.OUT_MOUNT]
    plain = spec.pod_template.model_copy(update={"env": [], "resources": None})
    lay_out = template.container(LAY_OUT, ours, plain, default, folders, args=["lay-out"])
    probe = {"exec": {"command": ["test", "-e", COLLECT_READY]}, "periodSeconds": 1, "failureThreshold": 60}
    collect = template.container(
        "collect", ours, plain, default, folders, args=["collect"], restartPolicy="Always", startupProbe=probe
    )
    command: dict[str, Any] = {"command": container.command} if container.command else {}
    if container.args:
        command["args"] = container.args
    main = template.container(MAIN, container.image, spec.pod_template, default, folders[1:], **command)
    return template.pod(
        spec.pod_template,
        [template.task_volume(), template.empty("in"), template.empty("out")],
        initContainers=[lay_out, collect],
        containers=[main],
        terminationGracePeriodSeconds=120,
    )
