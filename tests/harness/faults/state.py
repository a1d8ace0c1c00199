"""The end state of a namespace, masked of what differs from run to run: uids, times, versions, hashes of uids."""

from __future__ import annotations

import json
import re
from typing import Any

from modelyard_api.fields.artifact import sha256
from tests.harness.faults.resources import RESOURCES, Object, path
from tests.kinds import SAMPLES
from tests.support.api import Api

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_HASHED = re.compile(r"-[0-9a-f]{8}\b")
"""The hash of an uid in the name of a child: of a Job, or of an object of ours that another one has made."""
_POD = re.compile(r"-[0-9a-z]{8,10}-[0-9a-z]{5}$")
_META = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace")
_HASHES = ("modelyard.dev/applied", "modelyard.dev/spec-digest")
"""Annotations with hashes of documents that contain uids."""
_VERSION = re.compile(r"UID/\d+")
_OF_PODS = {sample.kind.info.plural: sample.of_pods for sample in SAMPLES.values()}


def mask_call(plural: str, name: str) -> str:
    """Returns the resource and the masked name of a call's object."""
    return f"{plural} {_POD.sub('-#', name) if plural == 'pods' else mask_name(name)}"


def mask_name(name: str) -> str:
    return _HASHED.sub("-#", name)


async def objects(api: Api, namespace: str) -> dict[str, list[Object]]:
    return {plural: (await api("GET", path(plural, namespace)))["items"] for plural in RESOURCES}


def masked(objects: dict[str, list[Object]], namespace: str) -> dict[str, str]:
    """Returns object -> its masked JSON in lines. Objects that Kubernetes names at random, such as pods, are summed up
    under their plural."""
    uids = {
        obj["metadata"]["uid"]: f"uid-of-{plural}/{mask_name(obj['metadata']['name'])}"
        for plural, items in objects.items()
        for obj in items
    }

    digests = {
        sha256(text.encode()): f"digest-of-configmaps/{mask_name(obj['metadata']['name'])}/{key}"
        for obj in objects.get("configmaps", ())
        for key, text in (obj.get("data") or {}).items()
    }

    def text(value: Any) -> str:
        line = json.dumps(value, sort_keys=True, indent=1)
        line = _DIGEST.sub(lambda m: digests.get(m[0], m[0]), line)  # the text names its namespace
        line = _VERSION.sub("UID/N", _UID.sub("UID", re.sub(_UID, lambda m: uids.get(m[0], "UID"), line)))
        line = re.sub(r"(uid-of-configmaps/[^/\"]+|UID)/\d+", "UID/N", line)
        return mask_name(_TIME.sub("TIME", line).replace(namespace, "NS"))

    lines: dict[str, str] = {}
    for plural, items in objects.items():
        if plural in ("pods", "replicasets", "endpointslices"):
            lines[plural] = "\n".join(sorted(text(_counted(plural, obj)) for obj in items))
            continue
        texts = sorted((mask_name(obj["metadata"]["name"]), text(_kept(plural, obj))) for obj in items)
        for number, (name, masked_text) in enumerate(texts):
            same = sum(other == name for other, _ in texts[:number])
            lines[f"{plural}/{name}" + (f" ({same + 1})" if same else "")] = masked_text
    return lines


def _kept(plural: str, obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key not in _META}
    notes = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in _HASHES}
    kept = {**obj, "metadata": {**meta, "annotations": notes}}
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    if plural == "services":
        spec = {key: value for key, value in spec.items() if key not in ("clusterIP", "clusterIPs")}
    if plural == "poddisruptionbudgets":
        # How often its number of pods changed depends on how many of a rollout's moments a pass has seen.
        kept["metadata"].pop("generation", None)
        status.pop("observedGeneration", None)
        for condition in status.get("conditions", ()):
            condition.pop("observedGeneration", None)
    if plural == "deployments":
        status["conditions"] = sorted((c["type"], c["status"], c["reason"]) for c in status.get("conditions", ()))
    for name in _OF_PODS.get(plural, ()):
        status.pop(name, None)
    if plural == "jobs":
        status["conditions"] = sorted((c["type"], c["status"]) for c in status.get("conditions", ()))
    return {**kept, "spec": spec, "status": status}


def _counted(plural: str, obj: Object) -> Object:
    owners = [owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()]
    if plural == "pods":
        ending = "deletionTimestamp" in obj["metadata"]
        return {"owners": owners if "job-name" in obj["metadata"]["labels"] else "rs", "ending": ending} | {
            "phase": obj["status"].get("phase")
        }
    if plural == "endpointslices":
        return {"owners": owners, "endpoints": len(obj["endpoints"] or ())}
    return {"owners": owners, "replicas": obj["spec"]["replicas"]}


def wrong(objects: dict[str, list[Object]]) -> list[str]:
    """Returns a line for each orphan, each object stuck in deletion, and each pod of a Job that still runs."""
    uids = {obj["metadata"]["uid"] for items in objects.values() for obj in items}
    problems = []
    for plural, items in objects.items():
        for obj in items:
            meta = obj["metadata"]
            name = f"{plural}/{meta['name']}"
            if "deletionTimestamp" in meta:
                problems.append(f"{name} is stuck in deletion, finalizers {meta.get('finalizers')}")
            if plural == "pods" and "job-name" in meta.get("labels", {}) and obj["status"].get("phase") == "Running":
                problems.append(f"{name} still runs")
            problems += [
                f"{name} is an orphan: its owner {owner['kind']} {owner['name']} is gone"
                for owner in meta.get("ownerReferences") or ()
                if owner["uid"] not in uids
            ]
    return problems
