"""Delivers the manifests of a commit to the targets, one after the other, and prunes what they lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from modelyard.engine.compare import digest, holds
from modelyard.engine.plan import Delete, Delivered, Denied, Facts, Fetch, Note, Unavailable, Write
from modelyard.engine.resource import NAMESPACES, Object, Resource
from modelyard.kinds.pipelinesource.observe import RESOURCES, SOURCE, SOURCE_NAMESPACE, SOURCE_UID, View
from modelyard.workload.conclude import RETRY, Waits
from modelyard.workload.run.results import read_result
from modelyard_api.kinds.pipelinesource import ACCEPTS, Built, Delivery, PipelineSourceStatus
from modelyard_api.wire.result import SourceResult

COMMIT, AS = "modelyard.dev/commit", "modelyard.dev/delivered-as"
"""Annotations of what was delivered: the commit, and where, under which name, from which manifest. An object with
another name or namespace is somebody's copy, labels and all, and is no more pruned than any other."""


@dataclass
class Deliveries:
    targets: list[Delivery] = field(default_factory=list)
    writes: tuple[Write, ...] = ()
    notes: tuple[Note, ...] = ()
    after: datetime | None = None


def deliver(view: View, facts: Facts, now: datetime, status: PipelineSourceStatus, build: Built) -> Deliveries:
    """Returns how far the commit has come. Raises Missing, and Waits as long as its manifests can't be read."""
    manifests = _manifests(facts, build, now)
    result = Deliveries()
    before = {item.name: item for item in status.targets}
    refusals = _refusals(view, facts)
    for target in view.source.spec.targets:
        namespace = target.namespace or view.source.namespace
        last = before.get(target.name)
        now_there = last if last and last.namespace == namespace else None
        delivery = Delivery(
            name=target.name,
            namespace=namespace,
            phase="Pending",
            commit=now_there.commit if now_there else None,
            digest=now_there.digest if now_there else None,
            objects=now_there.objects if now_there else 0,
        )
        earlier = result.targets[-1] if result.targets else None
        result.targets.append(delivery)
        if earlier and earlier.phase != "Delivered":
            delivery.message = f"it waits for target {earlier.name}"
        elif refusal := refusals.get(namespace):
            delivery.phase, delivery.message = "Refused", refusal
        else:
            _apply(view, facts, now, build, manifests, delivery, result)
    if all(item.phase == "Delivered" for item in result.targets):
        left = _namespaces(view) - {item.namespace for item in result.targets} - refusals.keys()
        for namespace in sorted(left):
            result.writes += _deletions(_live(view, namespace), set())
    return result


def _namespaces(view: View) -> set[str]:
    """Returns the namespaces in which this source has objects."""
    return {item["metadata"]["namespace"] for objects in view.delivered.values() for item in objects}


def _manifests(facts: Facts, build: Built, now: datetime) -> list[Object]:
    assert build.result_uri is not None
    result = read_result(facts, build.result_uri, now)
    if not isinstance(result, SourceResult):
        message = f"the manifests of commit {build.commit[:12]} are not at {build.result_uri} any more; restore the "
        raise Waits("ResultMissing", message + "artifact store, or push another commit", now + RETRY, warning=True)
    return [manifest.wire() for manifest in result.manifests]


def _refusals(view: View, facts: Facts) -> dict[str, str]:
    """Returns namespace -> why nothing may be delivered into it, for those that are not the source's own."""
    own, watched = view.source.namespace, view.installation.namespaces
    others = {target.namespace for target in view.source.spec.targets if target.namespace} | _namespaces(view)
    needs = [Fetch(NAMESPACES, "", name) for name in sorted(others - {own})]
    result = {}
    for need, found in zip(needs, facts.all(*needs), strict=True):
        if watched and need.name not in watched:
            result[need.name] = f"namespace {need.name} is not one of the installation's namespaces"
        elif isinstance(found, Unavailable):
            result[need.name] = f"namespace {need.name} can't be read now: {found.message}"
        elif found is None:
            result[need.name] = f"there is no namespace {need.name}; make it, or correct the target"
        elif own not in _accepted(found):
            result[need.name] = (
                f"namespace {need.name} does not accept this source; annotate it with {ACCEPTS}: {own} if it should"
            )
    return result


def _accepted(namespace: Object) -> set[str]:
    text = (namespace["metadata"].get("annotations") or {}).get(ACCEPTS, "")
    return {item.strip() for item in text.split(",")}


def _apply(
    view: View,
    facts: Facts,
    now: datetime,
    build: Built,
    manifests: list[Object],
    delivery: Delivery,
    result: Deliveries,
) -> None:
    """Brings one target in line with the manifests. It counts as delivered once the API server has taken all."""
    desired = [_desired(view, build, item, delivery.namespace) for item in _in_order(manifests)]
    live = _live(view, delivery.namespace)
    needs = [_need(view, item) for item in desired if not _is_there(live, item)]
    answers = [answer for answer in facts.all(*needs) if answer is not None]
    denied = [answer for answer in answers if isinstance(answer, Denied)]
    if denied:
        delivery.phase, delivery.message = "Refused", "; ".join(item.message for item in denied[:3])[:1000]
        return
    if answers:
        delivery.message, result.after = answers[0].message[:1000], now + RETRY
        return
    names = {(item["kind"], item["metadata"]["name"]) for item in desired}
    gone = _deletions(live, names)
    result.writes += gone
    if needs or gone or delivery.commit != build.commit:
        pruned = f", {len(gone)} pruned" if gone else ""
        where = f"target {delivery.name}, namespace {delivery.namespace}"
        text = f"commit {build.commit[:12]} is on {where}: {len(desired)} objects{pruned}"
        result.notes += (Note("Delivered", text),)
    delivery.phase, delivery.commit, delivery.digest = "Delivered", build.commit, build.digest
    delivery.objects, delivery.message = len(desired), ""


def _deletions(live: Mapping[tuple[Resource, str], Object], keep: set[tuple[str, str]]) -> tuple[Delete, ...]:
    """Returns the deletes of what is there but for these kinds and names: what refers to others goes before them."""
    return tuple(
        Delete.of(resource, obj)
        for (resource, name), obj in reversed(list(live.items()))
        if (resource.kind, name) not in keep and "deletionTimestamp" not in obj["metadata"]
    )


def _in_order(manifests: list[Object]) -> list[Object]:
    order = list(RESOURCES)
    return sorted(manifests, key=lambda item: order.index(item["kind"]))


def _desired(view: View, build: Built, manifest: Object, namespace: str) -> Object:
    source, meta = view.source, manifest["metadata"]
    labels = {SOURCE: source.name, SOURCE_NAMESPACE: source.namespace, SOURCE_UID: source.uid}
    annotations = {COMMIT: build.commit, AS: f"{namespace}/{meta['name']} {digest(manifest)}"}
    metadata = {
        "name": meta["name"],
        "namespace": namespace,
        "labels": {**meta.get("labels", {}), **labels},
        "annotations": {**meta.get("annotations", {}), **annotations},
    }
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": metadata,
        "spec": manifest["spec"],
    }


def _live(view: View, namespace: str) -> dict[tuple[Resource, str], Object]:
    """Returns what this source has delivered into a namespace, by resource and name."""
    return {
        (resource, obj["metadata"]["name"]): obj
        for resource, objects in view.delivered.items()
        for obj in objects
        if obj["metadata"]["namespace"] == namespace and _is_original(obj["metadata"])
    }


def _is_original(meta: Object) -> bool:
    return str((meta.get("annotations") or {}).get(AS)).startswith(f"{meta['namespace']}/{meta['name']} ")


def _is_there(live: dict[tuple[Resource, str], Object], desired: Object) -> bool:
    obj = live.get((RESOURCES[desired["kind"]], desired["metadata"]["name"]))
    return obj is not None and "deletionTimestamp" not in obj["metadata"] and holds(obj, desired)


def _need(view: View, desired: Object) -> Delivered:
    meta = desired["metadata"]
    owner = ((SOURCE, view.source.name), (SOURCE_NAMESPACE, view.source.namespace))
    text = orjson.dumps(desired).decode()
    return Delivered(RESOURCES[desired["kind"]], meta["namespace"], meta["name"], text, owner)
