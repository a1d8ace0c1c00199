"""What must hold, as functions of what was seen; each gives the troubles that it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from modelyard_api.kinds.registry import KINDS
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
    """A refusal is a 4xx that names the field."""
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


def is_told(obj: Object) -> bool:
    """Whether the operator has said something about the object as it is now."""
    ready = condition(obj)
    generation = obj["metadata"].get("generation")
    return bool(ready) and (obj.get("status") or {}).get("observedGeneration") == generation


def told(obj: Object, from_pod: bool = False) -> Iterator[str]:
    """A condition whose reason is a word and whose message helps; ``from_pod``: the words may be a program's."""
    about = f"{obj['kind']}/{obj['metadata']['name']}"
    if not is_told(obj):
        generation = obj["metadata"].get("generation")
        yield f"{about}: no condition for its generation {generation}; status: {_short(obj.get('status'))}"
        return
    for item in obj["status"]["conditions"]:
        said = f"{about}: {item['type']}={item['status']} {item['reason']}: {item['message'][:500]!r}"
        if not _REASON.match(item["reason"]):
            yield f"a reason that is no CamelCase word: {said}"
        if not item["message"].strip():
            yield f"a condition without a message: {said}"
        if from_pod:
            continue
        if _INNARDS.search(item["message"]):
            yield f"a message of our innards: {said}"
        if item["type"] == "Stalled" and not _HELPS.search(item["message"]):
            yield f"a message that doesn't say what to do: {said}"


def owns(owner: Object, obj: Object) -> bool:
    references = obj["metadata"].get("ownerReferences", ())
    return any(reference["uid"] == owner["metadata"]["uid"] for reference in references)


def is_scaled(obj: Object) -> bool:
    """Whether spec.replicas is an autoscaler's, not what was written last by a person."""
    return any(entry.get("subresource") == "scale" for entry in obj["metadata"].get("managedFields") or ())


# --- A -> B -> A is A -------------------------------------------------------------------------------------------------

_HISTORY = {"observedGeneration", *(name for sample in SAMPLES.values() for name in sample.past)}
_OF_PODS = {name for sample in SAMPLES.values() for name in sample.of_pods}
_PURPOSES = "|".join(kind.info.runs.purpose for kind in KINDS.values() if kind.info.runs)
_MASKS = (
    (re.compile(rf"-({_PURPOSES})-[0-9a-f]{{8}}"), r"-\1-#"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
)
_ADDED = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")


def masked(value: Any, namespace: str) -> Any:
    """Without uids, times, hashes of uids and of pods, the namespace's name, and what only a history can tell."""
    text = json.dumps(_without_past(value), sort_keys=True)
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return json.loads(text.replace(namespace, "<namespace>"))


def _without_past(value: Any) -> Any:
    dropped = {*_HISTORY, *_OF_PODS, *_ADDED, "lastTransitionTime", "modelyard.dev/applied"}
    match value:
        case dict():
            return {key: _without_past(item) for key, item in value.items() if key not in dropped}
        case list():
            return [_without_past(item) for item in value]
    return value


_REFUSED = ("InvalidChild", "ChildForbidden", "NameTaken")


def keeps_what_was(obj: Object) -> bool:
    """A ModelDeployment that names what isn't there, or what can't be made, leaves what served before as it is; what is
    suspended keeps the Job that it had begun."""
    reason = (condition(obj) or {}).get("reason")
    return reason in (*_REFUSED, "Suspended", *SAMPLES[obj["kind"]].keeps)


def state(obj: Object, children: Iterable[Object], namespace: str) -> Any:
    """What an object is and has made, to be compared with a fresh one's."""
    owned = [
        {
            "kind": one["kind"],
            "name": one["metadata"]["name"],
            "spec": one.get("spec"),
            "data": one.get("data"),
            "labels": one["metadata"].get("labels"),
        }
        for one in children
        if owns(obj, one) and "deletionTimestamp" not in one["metadata"]
    ]
    return masked({"spec": obj["spec"], "status": obj.get("status"), "children": owned}, namespace)


def differences(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where two states differ, one line each."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            yield from differences(found.get(key), wanted.get(key), f"{path}.{key}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for number, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(*pair, f"{path}[{number}]")
    elif found != wanted:
        yield f"{path}: {_short(found)} instead of {_short(wanted)}"


def _short(value: Any) -> str:
    return json.dumps(value)[:300]
