"""Builds the Job of a TrainingRun."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from modelyard.engine.resource import Object
from modelyard.kinds.trainingrun.observe import View, job_name
from modelyard.workload import own_container, template
from modelyard.workload.data import data_of
from modelyard.workload.names import child_metadata
from modelyard.workload.own_container import LAY_OUT, OWN_GRACE_SECONDS
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run, was_running
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.pods import EnvVar
from modelyard_api.fields.trainer import Script
from modelyard_api.installation import Installation
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import BUNDLE_FOLDER, SCRIPT_FOLDER, TrainTask

GRACE_SECONDS = 30
"""Seconds that a stopped pod may take to end: Kubernetes' default."""


def result_uri(run: TrainingRun) -> str:
    return f"{folder(run.namespace, run.uid)}/{RESULT_JSON}"


def fields(view: View) -> Fields:
    """Returns the spec fields that messages about the pods name."""
    trainer = view.run.spec.trainer
    bundle = trainer.script.bundle.image if trainer.script and trainer.script.bundle else None
    return Fields(
        own_image="spec.trainer.container.image" if trainer.container else None,
        mounted={bundle: "spec.trainer.script.bundle.image"} if bundle else {},
    )


def run(view: View) -> Run[TrainResult]:
    status = view.run.status
    uri = status.result_uri or result_uri(view.run)
    grace = OWN_GRACE_SECONDS if view.run.spec.trainer.container else GRACE_SECONDS
    running = was_running(view.raw, TrainingRun)
    return Run(TrainResult, uri, view.run.spec, status.attempts, fields(view), grace, was_running=running)


def image(view: View) -> str:
    """Returns the image that the spec and the installation name now."""
    trainer, pod = view.run.spec.trainer, view.run.spec.pod_template
    own_image = trainer.container.image if trainer.container else pod.image
    return own_image or view.installation.images.runtime


def recorded_image(view: View) -> str:
    """Returns the image that was recorded at the start, so that a new default does not change a run."""
    return view.run.status.image or image(view)


def training_job(view: View, version: Object, script_files: dict[str, str]) -> Object:
    run, spec = view.run, view.run.spec
    task = TrainTask(
        **addresses(run, view.installation, result_uri(run)),
        data=data_of(version),
        model=spec.model_ref.name if spec.model_ref else None,
        task=Task(view.model["spec"]["task"]) if view.model else None,
        trainer=spec.trainer,
        script_files=script_files,
        objective=spec.objective,
        additional_metrics=spec.additional_metrics,
        seed=spec.seed,
        image=recorded_image(view),
    )
    metadata = child_metadata(view.raw, job_name(run.name, run.uid), "modelyard-training")
    if spec.trainer.container:
        pod = own_container.pod(spec.trainer.container, spec.pod_template, view.installation, "lay-out", "collect")
        return job(metadata, task, pod, spec, spec.pod_template, run.status.attempts, asks_store=LAY_OUT)
    pod = _script(view) if spec.trainer.script else _estimator(view)
    return job(metadata, task, pod, spec, spec.pod_template, run.status.attempts)


def _estimator(view: View) -> dict[str, Any]:
    return template.program("train", recorded_image(view), view.run.spec.pod_template, view.installation.resources.run)


def _script(view: View) -> dict[str, Any]:
    """Returns the pod of the runtime's own image with the script and a folder for what the script writes."""
    script, template_ = view.run.spec.trainer.script, view.run.spec.pod_template
    assert script is not None
    folder = SCRIPT_FOLDER if script.config_map else BUNDLE_FOLDER
    env = [*_index(view.installation), *template_.env]  # the user's own comes later and wins
    template_ = template_.model_copy(update={"env": env})
    return template.program(
        "script",
        recorded_image(view),
        template_,
        view.installation.resources.run,
        mounts=[{"name": "script", "mountPath": folder, "readOnly": True}, template.OUT_MOUNT],
        volumes=[{"name": "script", **_source(script)}, template.empty("out")],
    )


def _source(script: Script) -> dict[str, Any]:
    """Returns the source of the volume that holds the code.

    The files of a ConfigMap are optional: a pod without them starts and tells so, while one that waits tells nothing.
    """
    if script.bundle:
        return {"image": {"reference": script.bundle.image, "pullPolicy": "IfNotPresent"}}
    assert script.config_map is not None
    keys = filter(None, (script.config_map.key, script.config_map.requirements))
    items = [{"key": key, "path": key} for key in dict.fromkeys(keys)]
    return {"configMap": {"name": script.config_map.name, "items": items, "optional": True}}


def _index(installation: Installation) -> list[EnvVar]:
    """Returns the variables by which pip finds the installation's package index.

    One over plain HTTP is trusted too: each wheel must have the digest that its lock names.
    """
    if not installation.package_index_url:
        return []
    index = [EnvVar(name="PIP_INDEX_URL", value=installation.package_index_url)]
    url = urlsplit(installation.package_index_url)
    return index if url.scheme == "https" else [*index, EnvVar(name="PIP_TRUSTED_HOST", value=str(url.hostname))]
