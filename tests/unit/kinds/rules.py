"""Rules that every controller's plan and every child must keep, checked at each pass of each test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from modelyard.engine.plan import Apply, Create, Plan
from modelyard.engine.resource import DEPLOYMENTS, JOBS, Object, Resource
from modelyard.engine.status import without_nulls
from modelyard_api.kinds.registry import KINDS

MAX_STATUS_BYTES = 20 * 1024
IDENTIFIED = {
    ("Dataset", "main", "ingest"),
    ("TrainingRun", "main", "train"),
    ("TrainingRun", "main", "script"),
    ("TrainingRun", "lay-out", "lay-out"),
    ("TrainingRun", "collect", "collect"),
    ("Sweep", "main", "sweep"),
    ("ModelVersion", "main", "evaluate"),
    ("BatchPrediction", "main", "predict"),
    ("PipelineRun", "lay-out", "lay-out-step"),
    ("PipelineRun", "collect", "collect-step"),
    ("PipelineSource", "main", "look"),
    ("PipelineSource", "fetch", "fetch"),
    ("PipelineSource", "build", "build"),
    ("PipelineSource", "main", "push"),
    ("Workspace", "bring", "bring"),
    ("ModelDeployment", "fetch", "fetch"),
    ("ModelPool", "fetcher", "fetcher"),
}
"""The containers that have the pod's identity, by the kind that owns the pod, the container's name and its command."""
IDENTITY = {
    "name": "identity",
    "projected": {
        "sources": [{"serviceAccountToken": {"audience": "modelyard", "expirationSeconds": 600, "path": "token"}}],
        "defaultMode": 0o440,
    },
}
SOURCES = ("configMap", "downwardAPI", "emptyDir", "image", "persistentVolumeClaim", "projected", "secret")
"""What volumes of pods may be made of."""
WORK = ("/modelyard/work", "/tmp")
"""Where a container keeps its home and its temporary files."""
_LABEL = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
_NAME = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
_REASON = re.compile(r"^[A-Z][A-Za-z0-9]*$")


def check(kind: str, obj: Object, plan: Plan) -> None:
    """Checks a plan; ``obj`` is the object as it was when the plan was made."""
    for write in plan.writes:
        if isinstance(write, Apply | Create):
            assert not list(nulls(write.manifest)), "kubectl can't apply it again from a backup"
    for note in plan.notes:
        assert _REASON.match(note.reason), note
        assert note.type in ("Normal", "Warning")
    if plan.status is None:
        return
    status: Object = without_nulls(plan.status)
    assert not list(nulls(status)), "kubectl can't apply it again from a backup"
    text = json.dumps(status)
    assert len(text) < MAX_STATUS_BYTES, f"a status of {len(text)} bytes"
    # The API server drops fields that aren't in the schema, so such a status would be written again at every pass.
    known = KINDS[kind].model_validate({**obj, "status": status}).model_dump(mode="json", by_alias=True)["status"]
    assert set(status) <= set(known), f"not in the schema: {set(status) - set(known)}"
    assert status["observedGeneration"] == obj["metadata"]["generation"]
    _check_conditions(status["conditions"], obj)


def nulls(value: Any, path: str = "") -> Iterator[str]:
    """Yields the path of each null."""
    if value is None:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in items:
        yield from nulls(item, f"{path}.{key}")


def _check_conditions(conditions: list[Object], obj: Object) -> None:
    by_type = {item["type"]: item for item in conditions}
    assert len(by_type) == len(conditions), "conditions are unique by type"
    before = {item["type"]: item for item in (obj.get("status") or {}).get("conditions") or ()}
    for type_, item in by_type.items():
        assert _REASON.match(item["reason"]), item
        assert item["message"], item
        assert "\n" not in item["message"], item
        assert item["observedGeneration"] == obj["metadata"]["generation"], item
        if type_ in before and before[type_]["status"] == item["status"]:
            assert item["lastTransitionTime"] == before[type_]["lastTransitionTime"], item
    truth = {type_ for type_, item in by_type.items() if item["status"] == "True"}
    assert "Ready" in by_type or "Suspended" in truth
    # An abnormal condition exists only while it is True, and Ready is never True at the same time.
    for abnormal in ("Reconciling", "Stalled", "Failed", "Suspended"):
        assert (abnormal in by_type) == (abnormal in truth)
    assert len(truth & {"Ready", "Reconciling", "Stalled"}) <= 1, truth
    assert "Complete" not in truth or "Ready" in truth
    assert "Failed" not in truth or "Stalled" in truth
    if "Ready" not in truth and "Suspended" not in truth:
        assert truth & {"Reconciling", "Stalled"}, "a tool that waits could not tell what for"


def check_child(resource: Resource, manifest: Object) -> None:
    meta = manifest["metadata"]
    assert len(meta["name"]) <= 63, meta["name"]
    assert _NAME.match(meta["name"]), meta["name"]
    owner = next(item for item in meta["ownerReferences"] if item["controller"])
    assert owner["blockOwnerDeletion"]
    assert meta["labels"][f"modelyard.dev/{owner['kind'].lower()}"] == owner["name"]
    info = KINDS[owner["kind"]].info
    assert resource.kind in info.owns, "the facts of its owner don't know it, so nobody may make it or is woken by it"
    if resource == JOBS:
        assert info.runs
        assert re.search(rf"-{info.runs.purpose}-[0-9a-f]{{8}}$", meta["name"]), meta["name"]
    _check_labels(meta["labels"])
    if resource in (JOBS, DEPLOYMENTS):
        _check_template(manifest["spec"]["template"], meta["labels"])
        _check_identity(manifest["spec"]["template"], owner["kind"])


def _check_labels(labels: dict[str, str]) -> None:
    assert labels["app.kubernetes.io/managed-by"] == "modelyard"
    for key, value in labels.items():
        assert len(value) <= 63, (key, value)
        assert _LABEL.match(value), (key, value)


def _check_template(template: Object, labels: dict[str, str]) -> None:
    """Checks for the Pod Security Standard ``restricted``, a read-only root, and no token. A Secret is a read-only
    mount, if anything."""
    assert labels.items() <= template["metadata"]["labels"].items()
    _check_labels(template["metadata"]["labels"])
    assert sum(len(v) for v in template["metadata"].get("annotations", {}).values()) < 256 * 1024
    spec = template["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    for volume in volumes.values():
        (source,) = set(volume) - {"name"}
        assert source in SOURCES, volume
        if volume != IDENTITY:
            assert all(set(item) == {"secret"} for item in volume.get("projected", {}).get("sources", ())), volume
    secrets = {name for name, volume in volumes.items() if "secret" in volume}
    containers: list[dict[str, Any]] = [*spec.get("initContainers", ()), *spec["containers"]]
    assert len({item["name"] for item in containers}) == len(containers)
    for container in containers:
        _check_container(container, set(volumes))
        assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] in secrets)


def identified(template: Object) -> list[dict[str, Any]]:
    """Returns the containers of a pod that have its identity."""
    containers = (*template["spec"].get("initContainers", ()), *template["spec"]["containers"])
    return [item for item in containers if "identity" in {mount["name"] for mount in item["volumeMounts"]}]


def _check_identity(template: Object, kind: str) -> None:
    """Checks that the identity is where our own program runs that needs it, and nowhere else; and that nobody else may
    write what that program might run."""
    ours = identified(template)
    for container in ours:
        assert (kind, container["name"], container["args"][0]) in IDENTIFIED, container["name"]
        (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "identity")
        assert mount == {"name": "identity", "mountPath": "/modelyard/identity", "readOnly": True}
    names = {item["name"] for item in ours}
    assert "collect" not in names or "main" not in names, "a container of the user's own has an identity"
    volumes = [volume for volume in template["spec"]["volumes"] if volume["name"] == "identity"]
    assert volumes == ([IDENTITY] if ours else [])
    every = (*template["spec"].get("initContainers", ()), *template["spec"]["containers"])
    mine = {mount["name"] for item in ours for mount in item["volumeMounts"] if mount["mountPath"] in WORK}
    theirs = {mount["name"] for item in every if item not in ours for mount in item["volumeMounts"]}
    assert not mine & theirs


def _check_container(container: dict[str, Any], volumes: set[str]) -> None:
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert "privileged" not in context
    assert container["image"]
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    assert "envFrom" not in container
    assert all(set(item) == {"name", "value"} for item in container["env"])
