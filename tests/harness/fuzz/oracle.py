"""The rules that must hold, as functions of observed objects and answers; each yields the violations as texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.kinds import SAMPLES
from tests.support.client import Answer

Object = dict[str, Any]

_REASON = re.compile(r"^[A-Z][A-Za-z0-9]{1,62}$")
_INNARDS = re.compile(r"Traceback|object at 0x|NoneType|KeyError|validation error for|pydantic|orjson|\bError\(|<class")
_HELPS = re.compile(
    r"\b(spec|status|metadata)\b|\b(apply|correct|delete|rename|see|set|write|choose|use|raise|lower|import|make|push|name|"
    r"declare|list|score|add|again|wait(s|ing)?)\b",
    re.I,
)
_FIELD = re.compile(r"\b(spec|metadata|status|kind|apiVersion)\b|\bname\b|already exists|json:|unknown field")


def refusal(answer: Answer) -> Iterator[str]:
    """Yields a violation if an answer is a refusal that is no 4xx, or that doesn't name the field."""
    if answer.ok:
        return
    if not 400 <= answer.code < 500:
        yield f"refused with {answer.code}: {answer.message[:500]}"
    elif not _FIELD.search(answer.message):
        yield f"a refusal that names no field: {answer.code} {answer.message[:500]}"


def condition(obj: Object, type_: str = "Ready") -> Object | None:
    for item in (obj.get("status") or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None


def is_reported(obj: Object) -> bool:
    """Returns whether the object is Ready or not, or Suspended, and has a status for its current generation."""
    state = condition(obj) or condition(obj, "Suspended")
    generation = obj["metadata"].get("generation")
    return bool(state) and (obj.get("status") or {}).get("observedGeneration") == generation


def bad_conditions(obj: Object, from_pod: bool = False) -> Iterator[str]:
    """Yields conditions that are missing, whose reason is no CamelCase word or whose message doesn't help.

    ``from_pod`` means that a message may come from a pod's program, so its wording is not judged.
    """
    about = f"{obj['kind']}/{obj['metadata']['name']}"
    if not is_reported(obj):
        generation = obj["metadata"].get("generation")
        yield f"{about}: no condition for its generation {generation}; status: {_short(obj.get('status'))}"
        return
    for item in obj["status"]["conditions"]:
        text = f"{about}: {item['type']}={item['status']} {item['reason']}: {item['message'][:500]!r}"
        if not _REASON.match(item["reason"]):
            yield f"a reason that is no CamelCase word: {text}"
        if not item["message"].strip():
            yield f"a condition without a message: {text}"
        if from_pod:
            continue
        if _INNARDS.search(item["message"]):
            yield f"a message of our innards: {text}"
        if item["type"] == "Stalled" and not _HELPS.search(item["message"]):
            yield f"a message that doesn't say what to do: {text}"


def owns(owner: Object, obj: Object) -> bool:
    references = obj["metadata"].get("ownerReferences", ())
    return any(reference["uid"] == owner["metadata"]["uid"] for reference in references)


def is_scaled(obj: Object) -> bool:
    """Returns whether spec.replicas was written by an autoscaler, through the subresource ``scale``."""
    return any(entry.get("subresource") == "scale" for entry in obj["metadata"].get("managedFields") or ())


# --- an object edited from A to B and back to A equals a fresh A ------------------------------------------------------

_HISTORY = {"observedGeneration", *(name for sample in SAMPLES.values() for name in sample.past)}
_OF_PODS = {name for sample in SAMPLES.values() for name in sample.of_pods}
_MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    # The hash of an uid ends the name of a Job, and of an object that a PipelineRun's step has made.
    (re.compile(r"-[0-9a-f]{8}\b"), "-#"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
)
_ADDED = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")


def masked(value: Any, namespace: str) -> Any:
    """Returns the value without uids, times, hashes of uids, the namespace's name, and fields that depend on history
    or on pods."""
    text = json.dumps(_without_past(value), sort_keys=True)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return json.loads(text.replace(namespace, "<namespace>"))


def _without_past(value: Any) -> Any:
    dropped = {*_HISTORY, *_OF_PODS, *_ADDED, "lastTransitionTime", "modelyard.dev/applied"}
    match value:
        case dict():
            return {key: _without_past(item) for key, item in value.items() if key not in dropped}
        case list():
            return [_without_past(item) for item in value]
    return value


_REFUSED = ("InvalidChild", "ChildForbidden", "QuotaExceeded", "NameTaken")


def keeps_what_was(obj: Object) -> bool:
    """Returns whether an object rightly keeps children of an older spec, so that it may differ from a fresh one.

    A ModelDeployment that refers to something missing, or whose children are refused, keeps what it served before; a
    suspended object keeps the Job that it had begun.
    """
    reason = (condition(obj) or {}).get("reason")
    return condition(obj, "Suspended") is not None or reason in (*_REFUSED, *SAMPLES[obj["kind"]].keeps)


def has_older_pods(obj: Object, children: Iterable[Object]) -> bool:
    """Returns whether pods of an earlier template still run, as they rightly do until those of the current one do."""
    counts = [child.get("status") or {} for child in children if child["kind"] == "Deployment" and owns(obj, child)]
    return any(count.get("updatedReplicas", 0) < count.get("replicas", 0) for count in counts)


def uncounted(status: Object) -> Object:
    """Returns the status without what depends on the number of pods."""
    conditions = [{**item, "message": None} for item in status.get("conditions") or ()]
    return {**status, "replicas": None, "readyReplicas": None, "conditions": conditions}


def state(obj: Object, children: Iterable[Object], namespace: str, counted: bool = True) -> Any:
    """Returns an object's masked spec, status and children, for the comparison with a fresh object's.

    ``counted`` says whether numbers of pods are compared too.
    """
    owned = [
        {
            "kind": child["kind"],
            "name": child["metadata"]["name"],
            "spec": child.get("spec"),
            "data": child.get("data"),
            "labels": child["metadata"].get("labels"),
        }
        for child in children
        if owns(obj, child) and "deletionTimestamp" not in child["metadata"]
    ]
    status = obj.get("status") or {}
    compared = status if counted else uncounted(status)
    return masked({"spec": obj["spec"], "status": compared, "children": owned}, namespace)


def differences(actual: Any, expected: Any, path: str = "") -> Iterator[str]:
    """Yields one line for each path at which two states differ."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        for key in sorted({*actual, *expected}):
            yield from differences(actual.get(key), expected.get(key), f"{path}.{key}")
    elif isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        for number, pair in enumerate(zip(actual, expected, strict=True)):
            yield from differences(*pair, f"{path}[{number}]")
    elif actual != expected:
        yield f"{path}: {_short(actual)} instead of {_short(expected)}"


def _short(value: Any) -> str:
    return json.dumps(value)[:300]
