"""Builds what a Sweep makes: the Job of the search, the Service by which its pods find the first, and a TrainingRun."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine.resource import SERVICES, TRAINING_RUNS, Object
from modelyard.kinds.sweep import deadline
from modelyard.kinds.sweep.observe import View, job_name, training_run_name
from modelyard.workload import template
from modelyard.workload.data import data_of
from modelyard.workload.durations import duration
from modelyard.workload.names import child_metadata, manifest
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run, was_running
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.kinds.sweep import Sweep
from modelyard_api.wire.result import SweepResult, TrialResult
from modelyard_api.wire.task import SweepTask

PORT = 8646
"""The port of the coordinator, which the first pod has beside its worker."""
COMPONENT = "modelyard-sweep"
_FIELDS = Fields(deadline="the search's part of spec.activeDeadlineSeconds")


def result_uri(sweep: Sweep) -> str:
    return f"{folder(sweep.namespace, sweep.uid)}/{RESULT_JSON}"


def journal_uri(sweep: Sweep) -> str:
    """Returns the folder of the journal, every part of which says how far the search was."""
    return f"{folder(sweep.namespace, sweep.uid)}/journal"


def run(view: View) -> Run[SweepResult]:
    sweep = view.sweep
    policy = sweep.spec.model_copy(update={"active_deadline_seconds": deadline.of_search(sweep.spec)})
    uri = sweep.status.result_uri or result_uri(sweep)
    return Run(SweepResult, uri, policy, sweep.status.attempts, _FIELDS, was_running=was_running(view.raw, Sweep))


def image(view: View) -> str:
    """Returns the image that was recorded at the start, or the one that a start would record."""
    return view.sweep.status.image or view.sweep.spec.pod_template.image or view.installation.images.runtime


def search_job(view: View, version: Object) -> Object:
    """Returns an Indexed Job: each of its pods has a number, and with the Service a name of its own.

    The first one ends with the result. What others do then doesn't count: one may never have found a node.
    """
    sweep, spec, name = view.sweep, view.sweep.spec, job_name(view.sweep)
    task = SweepTask(
        **addresses(sweep, view.installation, result_uri(sweep)),
        data=data_of(version),
        spec=spec,
        trial_seconds=duration(spec.trial_timeout).total_seconds(),
        coordinator=f"{name}-0.{name}:{PORT}",
        image=image(view),
    )
    pod = template.program("sweep", image(view), spec.pod_template, view.installation.resources.run)
    pod["subdomain"] = name
    metadata = child_metadata(view.raw, name, COMPONENT)
    search = job(metadata, task, pod, run(view).policy, spec.pod_template, sweep.status.attempts)
    pods = {"completionMode": "Indexed", "completions": spec.parallel_trials, "parallelism": spec.parallel_trials}
    search["spec"] |= {**pods, "successPolicy": {"rules": [{"succeededIndexes": "0"}]}}
    return search


def service(view: View) -> Object:
    """Returns the headless Service that gives the pods their names, also before they are ready."""
    name = job_name(view.sweep)
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"batch.kubernetes.io/job-name": name},
        "ports": [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP", "appProtocol": "http"}],
    }
    return manifest(SERVICES, child_metadata(view.raw, name, COMPONENT), spec=spec)


def training_run(view: View, best: TrialResult, now: datetime) -> Object:
    """Returns the TrainingRun of the best trial. It is made once, so the time that is left is that of its creation."""
    sweep, spec = view.sweep, view.sweep.spec
    assert spec.model_ref is not None
    body = {
        "datasetRef": {"name": spec.dataset_ref.name, "version": sweep.status.dataset_version},
        "modelRef": spec.model_ref.wire(),
        "trainer": {"estimator": best.estimator.wire()},
        "objective": spec.objective,
        "seed": spec.sampler.seed,
        "podTemplate": spec.pod_template.wire(),
        "backoffLimit": spec.backoff_limit,
        "suspend": spec.suspend,
    }
    if (seconds := deadline.of_training(spec, view.job, now)) is not None:
        body["activeDeadlineSeconds"] = seconds
    if spec.ttl_seconds_after_finished is not None:
        body["ttlSecondsAfterFinished"] = spec.ttl_seconds_after_finished
    metadata = child_metadata(view.raw, training_run_name(sweep), COMPONENT)
    return manifest(TRAINING_RUNS, metadata, spec=body)
