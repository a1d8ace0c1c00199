"""The sample of PipelineSource, suspended, and the results of its Jobs."""

from __future__ import annotations

import hashlib

from modelyard_api.fields.artifact import sha256
from modelyard_api.kinds.pipelinesource import Check, PipelineSource
from modelyard_api.wire.result import Failed, SourceResult
from modelyard_api.wire.task import SourceTask
from tests.kinds.sample import SHA, Create, Object, Pod, Sample

COMMIT = "c" * 40
IMAGE = "registry.example.com/acme/churn@"
MODEL: Object = {
    "apiVersion": "modelyard.dev/v1alpha1",
    "kind": "Model",
    "metadata": {"name": "delivered"},
    "spec": {"task": "Classification"},
}


def commit_of(text: str) -> str:
    """Returns the commit of a repository with this content."""
    return hashlib.sha1(text.encode()).hexdigest()


def work(task: SourceTask, text: str) -> SourceResult | Failed:
    """Returns the result of a look or of a build in a repository with this content; a ``red`` one fails its tests."""
    if task.commit is None:
        return SourceResult(commit=commit_of(text))
    if "red" in text:
        check = Check(name="tests", passed=False, message="1 of 2 tests failed: tests.test_train::test_shape: red")
        return SourceResult(commit=task.commit, checks=[check])
    checks = [Check(name=name, passed=True, message="good") for name in ("tests", "manifests")]
    digest = sha256(f"{task.commit}{task.key}".encode())
    return SourceResult(
        commit=task.commit, checks=checks, image=f"{IMAGE}{digest}", digest=digest, manifests=manifests(text)
    )


def manifests(text: str) -> list[Object]:
    """Returns a Model, and another one unless the text says that it is alone."""
    other = {**MODEL, "metadata": {"name": "other"}}
    return [MODEL] if "alone" in text else [MODEL, other]


def _is_over(obj: Object, job: str) -> bool:
    """Returns whether the source has handled the Job's end; it names the Job as long as it follows it."""
    return (obj.get("status") or {}).get("job") != job


def _git(**git: str) -> Object:
    return {"git": git}


SAMPLE = Sample(
    PipelineSource,
    spec={
        "git": {"url": "https://git.example.com/acme/churn.git"},
        "bundle": {"repository": "registry.example.com/acme/churn"},
        "targets": [{"name": "here"}],
        "suspend": True,
    },
    creates=(
        *(
            Create("path is a folder of the repository, without '..'", good=_git(path=good), bad=_git(path=bad))
            for good, bad in (("a/..b", "a/.."), ("...", ".."))
        ),
        Create(
            "requirements is a file below git.path, without '..'",
            good={"build": {"requirements": "a/lock.txt"}},
            bad={"build": {"requirements": "a/../lock.txt"}},
        ),
        *(
            Create("pollEvery is at least 10s", good=_git(pollEvery=good), bad=_git(pollEvery=bad))
            for good, bad in (("10s", "9s"), ("1h1m", "9999ms"))
        ),
        Create(
            "testTimeoutSeconds must not be greater than timeoutSeconds",
            good={"test": {"testTimeoutSeconds": 600}},
            bad={"test": {"testTimeoutSeconds": 601}},
        ),
    ),
    pod=Pod(
        SourceTask,
        SourceResult,
        {"kind": "Source", "commit": COMMIT, "image": f"{IMAGE}{SHA}", "digest": SHA, "manifests": [MODEL]},
        work,
        _is_over,
    ),
    story=({"git": {"pollEvery": "10s"}}, {"git": {"ref": "v1"}}, {"test": {"arguments": ["-q"]}}),
    history=("lastLookTime", "lookedGeneration", "failedLooks", "history"),
)
