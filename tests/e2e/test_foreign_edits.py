"""Checks on a real API server that what others change in the operator's children is undone, told, and then silent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kube import Kube, Object
from tests.support.namespace import new_namespace
from tests.support.rollout_scene import MODEL, Rollouts
from tests.support.scene import Scene

pytestmark = pytest.mark.cluster
CHILD = f"{MODEL}-v1"
UNDONE_WITHIN = 60.0
QUIET = 5.0
"""Seconds without a write after which nothing fights. Corrections of one child come closer together than that."""


@pytest.fixture(scope="module")
def served(cluster: str) -> Iterator[Rollouts]:
    with new_namespace(cluster) as kube:
        served = Rollouts(kube)
        served.prepare("equal")
        served.deploy(1)
        served.serving(1)
        yield served


def spec(kube: Kube, kind: str, name: str) -> Object:
    obj = kube.get(kind, name)
    assert obj is not None
    return dict(obj["spec"])


def rests(kube: Kube, kind: str, name: str) -> None:
    """Asserts that nobody writes the spec any more. A Service has no generation, and no status that is written."""
    before = version_of(kube, kind, name)
    time.sleep(QUIET)
    assert version_of(kube, kind, name) == before


def version_of(kube: Kube, kind: str, name: str) -> object:
    obj = kube.get(kind, name)
    assert obj is not None
    return obj["metadata"].get("generation") or obj["metadata"]["resourceVersion"]


def told(kube: Kube, *says: str) -> None:
    """Waits for a Warning about the ModelDeployment that has all these words."""

    def probe() -> bool:
        events = [
            event
            for event in kube.list("events.events.k8s.io")
            if event["reason"] in ("DriftCorrected", "DriftRecurring")
        ]
        return any(event["type"] == "Warning" and all(word in event["note"] for word in says) for event in events)

    kube.until(f"a Warning with {says}", probe, 60)


SHELL = {"name": "EXTRA", "value": "1"}
EDITS: dict[str, tuple[str, str, Any, str]] = {
    "image": (
        "deployment",
        CHILD,
        [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "localhost/theirs"}],
        "containers[name=server].image",
    ),
    "variable": (
        "deployment",
        CHILD,
        [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": SHELL}],
        "env[name=EXTRA]",
    ),
    "command": (
        "deployment",
        CHILD,
        [{"op": "add", "path": "/spec/template/spec/containers/0/command", "value": ["sleep", "1000"]}],
        "containers[name=server].command",
    ),
    "sidecar": (
        "deployment",
        CHILD,
        [{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "theirs", "image": "theirs"}}],
        "containers[name=theirs]",
    ),
    "probe": (
        "deployment",
        CHILD,
        [
            {
                "op": "replace",
                "path": "/spec/template/spec/containers/0/livenessProbe",
                "value": {"exec": {"command": ["true"]}},
            }
        ],
        "livenessProbe",
    ),
    "volume": (
        "deployment",
        CHILD,
        [
            {
                "op": "replace",
                "path": "/spec/template/spec/volumes/0",
                "value": {"name": "work", "configMap": {"name": "x"}},
            }
        ],
        "volumes[name=work]",
    ),
    "label": (
        "deployment",
        CHILD,
        [{"op": "add", "path": "/spec/template/metadata/labels/team", "value": "theirs"}],
        "spec.template.metadata.labels.team",
    ),
    "replicas": ("deployment", CHILD, [{"op": "replace", "path": "/spec/replicas", "value": 0}], "spec.replicas"),
    "selector": ("service", MODEL, [{"op": "add", "path": "/spec/selector/app", "value": "other"}], "spec.selector"),
    "type": ("service", MODEL, [{"op": "replace", "path": "/spec/type", "value": "NodePort"}], "spec.type"),
    "budget": (
        "poddisruptionbudget",
        MODEL,
        [{"op": "remove", "path": "/spec/minAvailable"}, {"op": "add", "path": "/spec/maxUnavailable", "value": 5}],
        "spec.maxUnavailable",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_undone_and_told(served: Rollouts, edit: str) -> None:
    kube, (kind, name, patch, field) = served.kube, EDITS[edit]
    before = spec(kube, kind, name)
    image = served.status["image"]
    kube.run("patch", kind, name, "--type=json", f"--patch={json.dumps(patch)}", "--field-manager=somebody")
    kube.until(f"{edit} is undone", lambda: spec(kube, kind, name) == before, UNDONE_WITHIN)
    told(kube, f"{name}: ", field, "somebody", f"ModelDeployment {MODEL} owns it")
    rests(kube, kind, name)
    assert served.status["image"] == image
    assert spec(kube, kind, name) == before


def test_what_others_rightly_own_stays(served: Rollouts) -> None:
    kube = served.kube
    kube.run("rollout", "restart", f"deployment/{CHILD}")
    kube.run("label", "service", MODEL, "team=coffee")
    restarted = "kubectl.kubernetes.io/restartedAt"
    time.sleep(QUIET)
    template = spec(kube, "deployment", CHILD)["template"]
    assert restarted in template["metadata"]["annotations"]
    kube.run("rollout", "status", f"deployment/{CHILD}", "--timeout=180s")
    service = kube.get("service", MODEL)
    assert service is not None
    assert service["metadata"]["labels"]["team"] == "coffee"
    rests(kube, "deployment", CHILD)


def test_a_running_jobs_settings_are_put_back(kube: Kube) -> None:
    scene = Scene(kube)
    scene.dataset()
    scene.run("one")
    scene.running("one")
    (job,) = kube.list("jobs", "modelyard.dev/trainingrun=one")
    name = job["metadata"]["name"]
    kube.run(
        *("patch", "job", name, "--type=merge", "--field-manager=somebody"),
        '--patch={"spec":{"parallelism":2,"ttlSecondsAfterFinished":1,"backoffLimit":99}}',
    )

    def as_before() -> bool:
        now = spec(kube, "job", name)
        return (
            now["parallelism"] == 1
            and "ttlSecondsAfterFinished" not in now
            and now["backoffLimit"] == job["spec"]["backoffLimit"]
        )

    kube.until("the Job's settings are back", as_before, UNDONE_WITHIN)
    told(kube, f"Job {name}: ", "spec.parallelism", "somebody")
    scene.let_go("one")
