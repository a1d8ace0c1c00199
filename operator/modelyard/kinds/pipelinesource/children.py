"""Builds the Jobs of a PipelineSource: one that looks the ref up, and one for each commit."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object
from modelyard.kinds.pipelinesource.observe import View
from modelyard.workload import template
from modelyard.workload.names import child_metadata, child_name, short_hash
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.jobs import MAIN, job
from modelyard.workload.run.run import Run
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.base import ObjectRef
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.kinds.pipelinesource import PipelineSource
from modelyard_api.wire.result import EXIT_UNAVAILABLE, EXIT_USER_ERROR, SourceResult
from modelyard_api.wire.task import BUNDLE_FOLDER, GIT_FOLDER, PUSH_FOLDER, REPORT_FOLDER, SourceTask

LOOK, BUILD = "look", "build"
PURPOSE = "modelyard.dev/purpose"
"""Label of a Job: what it is for."""
BACKOFF_LIMIT = 2
"""How many times a failed pod is replaced."""
STAGES = ("fetch", "build", "test")
"""The containers of a build pod that run one after the other, before the last one."""
_FIELDS = Fields(image="images.builder of the installation, or spec.podTemplate.image")


def look_name(source: PipelineSource) -> str:
    """Returns the name of the next look's Job: a function of the last look, so that it can't be created twice."""
    last = source.status.last_look_time or ""
    return child_name(source.name, "source", source.uid, LOOK, source.generation, last)


def key(view: View, commit: str) -> str:
    """Returns the hash of all that a build depends on. An edit of it builds the same commit anew."""
    spec = view.source.spec
    parts = spec.model_dump_json(include={"git": {"path"}, "build": True, "test": True, "bundle": True})
    return short_hash(commit, parts, spec.pod_template.image, length=32)


def build_name(view: View, key: str, tries: int) -> str:
    """Returns the name of a build's Job. An edit of what its pod is made from replaces a Job that has no verdict yet:
    the API server lets nobody change the pod of a Job, and a person may have corrected what kept it from starting."""
    spec = view.source.spec
    pod = spec.model_dump_json(include={"git": {"url", "secret_ref"}, "bundle": {"secret_ref"}, "pod_template": True})
    return child_name(view.source.name, "source", view.source.uid, BUILD, key, tries, pod)


def policy(source: PipelineSource) -> RunPolicy:
    return RunPolicy(suspend=source.spec.suspend, backoff_limit=BACKOFF_LIMIT)


def run(view: View, name: str) -> Run[SourceResult]:
    """Returns the Run of the Job of this name."""
    source = view.source
    attempts = source.status.attempts if source.status.job == name else 0
    uri = f"{folder(source.namespace, source.uid)}/{name}/{RESULT_JSON}"
    return Run(SourceResult, uri, policy(source), attempts, _FIELDS)


def look_job(view: View, name: str) -> Object:
    """Returns the Job of this name, which looks the ref up."""
    spec, default = view.source.spec, view.installation.resources.run
    mounts, volumes = _secret("git", GIT_FOLDER, spec.git.secret_ref)
    pod = template.program("look", _image(view), spec.pod_template, default, mounts=mounts, volumes=volumes)
    return _job(view, name, LOOK, pod)


def looks(view: View) -> list[Object]:
    """Returns the Jobs that look the ref up."""
    return [job for job in view.jobs if job["metadata"]["labels"].get(PURPOSE) == LOOK]


def build_job(view: View, name: str, commit: str, key: str) -> Object:
    """Returns the Job of this name, which tests and bundles a commit.

    Each secret is mounted only where our own program needs it. The tests, which are the user's code, have a container
    without any and without the pod's identity, with folders of its own: nothing that they leave is ever run or read as
    part of the bundle.
    """
    spec, default = view.source.spec, view.installation.resources.run
    git, git_volumes = _secret("git", GIT_FOLDER, spec.git.secret_ref)
    push, push_volumes = _secret("push", PUSH_FOLDER, spec.bundle.secret_ref)
    bundle, report = _mount("bundle", BUNDLE_FOLDER), _mount("report", REPORT_FOLDER)
    sealed = {**bundle, "readOnly": True}
    mounts = {"fetch": [bundle, *git], "build": [bundle], "test": [sealed, report]}

    def container(name: str, command: str, mounts: list[template.Mount]) -> dict[str, Any]:
        every = [template.TASK_MOUNT, *mounts]
        image, ours = _image(view), command != "test"
        return template.container(name, image, spec.pod_template, default, every, asks_store=ours, args=[command])

    stages = [container(stage, stage, mounts[stage]) for stage in STAGES]
    own = [template.empty(name) for name in ("bundle", "report")]
    pod = template.pod(
        spec.pod_template,
        [template.task_volume(), *own, *git_volumes, *push_volumes],
        initContainers=stages,
        containers=[container(MAIN, "push", [sealed, {**report, "readOnly": True}, *push])],
    )
    result = _job(view, name, BUILD, pod, commit=commit, key=key)
    rules = result["spec"]["podFailurePolicy"]["rules"]
    for stage in STAGES:
        for action, code in (("FailJob", EXIT_USER_ERROR), ("Ignore", EXIT_UNAVAILABLE)):
            codes = {"containerName": stage, "operator": "In", "values": [code]}
            rules.append({"action": action, "onExitCodes": codes})
    return result


def _job(view: View, name: str, purpose: str, pod: dict[str, Any], **more: Any) -> Object:
    source = view.source
    task = SourceTask(
        **addresses(source, view.installation, run(view, name).result_uri),
        spec=source.spec.model_copy(update={"suspend": False}),
        **more,
    )
    metadata = child_metadata(view.raw, name, "modelyard-source", {PURPOSE: purpose})
    return job(metadata, task, pod, policy(source), source.spec.pod_template, run(view, name).attempts)


def _image(view: View) -> str:
    return view.source.spec.pod_template.image or view.installation.images.builder


def _mount(name: str, path: str) -> template.Mount:
    return {"name": name, "mountPath": path}


def _secret(name: str, path: str, secret: ObjectRef | None) -> tuple[list[template.Mount], list[template.Volume]]:
    """Returns the mount and the volume of a Secret, none without one. A Secret that isn't there keeps the pod waiting,
    which its status tells."""
    if secret is None:
        return [], []
    volume = {"name": name, "secret": {"secretName": secret.name, "defaultMode": 0o440}}
    return [{**_mount(name, path), "readOnly": True}], [volume]
