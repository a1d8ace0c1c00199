"""A test kind, Gear, and its controller, run by the real engine: ``python -m tests.cluster.engine.gears``.

The controller keeps a ConfigMap and a Deployment (with 0 replicas) as the Gear describes them, creates one (suspended)
Job for each size, and keeps a Service if the Gear has a port.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.engine import lifecycle, logs
from modelyard.engine.client import configuration
from modelyard.engine.conditions import conditions, ready, reconciling
from modelyard.engine.plan import Apply, Create, Facts, Fetch, Note, Plan
from modelyard.engine.process import Process, Settings
from modelyard.engine.resource import CONFIG_MAPS, DEPLOYMENTS, JOBS, SERVICES, Key, Object, Resource
from modelyard.engine.store import Store

GEARS = Resource("test.modelyard.dev", "v1", "gears", "Gear")
CRD: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gears.test.modelyard.dev"},
    "spec": {
        "group": "test.modelyard.dev",
        "scope": "Namespaced",
        "names": {"kind": "Gear", "plural": "gears", "singular": "gear"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            "status": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                                "properties": {"strict": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                            },
                        },
                    }
                },
            }
        ],
    },
}

RULES: list[Object] = [
    {"apiGroups": ["test.modelyard.dev"], "resources": ["gears"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["test.modelyard.dev"], "resources": ["gears/status"], "verbs": ["patch"]},
    {
        "apiGroups": ["", "apps", "batch"],
        "resources": ["configmaps", "services", "deployments", "jobs"],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]},
]
"""The operator's whole RBAC rules."""


@dataclass(frozen=True)
class View:
    gear: Object
    config_map: Object | None
    jobs: list[Object]


class GearController:
    resource = GEARS
    watches: tuple[Resource, ...] = (CONFIG_MAPS, DEPLOYMENTS, JOBS, SERVICES)

    def indexes(self) -> Mapping[Resource, Mapping[str, Any]]:
        return {}

    def keys_of(self, resource: Resource, obj: Object, store: Store) -> Iterable[Key]:
        for owner in obj["metadata"].get("ownerReferences", ()):
            if owner["kind"] == "Gear":
                yield Key(GEARS, obj["metadata"]["namespace"], owner["name"])

    def observe(self, store: Store, key: Key) -> View | None:
        gear = store.get(*key)
        if gear is None or "deletionTimestamp" in gear["metadata"]:
            return None
        return View(gear, store.get(CONFIG_MAPS, key.namespace, key.name), store.owned(JOBS, gear))

    def decide(self, view: View, facts: Facts, now: datetime) -> Plan:
        meta, spec, status = view.gear["metadata"], view.gear["spec"], view.gear.get("status") or {}
        if spec.get("explode"):
            raise ZeroDivisionError("this gear has no teeth")
        oil = facts[Fetch(CONFIG_MAPS, meta["namespace"], "oil")]
        size = spec["size"]
        done = view.config_map is not None and any(job["spec"]["parallelism"] == size for job in view.jobs)
        state = ready("Turning", f"size {size}") if done else reconciling("Making", f"size {size}")
        new_status = {
            "observedGeneration": meta["generation"],
            "size": size,
            "oiled": oil is not None,
            "jobs": len(view.jobs),
            "conditions": conditions(state, status.get("conditions", ()), meta["generation"], now),
        }
        if spec.get("strict"):
            new_status["strict"] = {"a": 1, "unknown": 2}  # the API server drops `unknown`
        if spec.get("restless"):
            new_status["now"] = now.isoformat()
        notes = (Note("Resized", f"The size is {size} now."),) if status.get("size") != size else ()
        return Plan(status=new_status, writes=_children(view.gear), notes=notes)


def _children(gear: Object) -> tuple[Apply | Create, ...]:
    name, spec = gear["metadata"]["name"], gear["spec"]
    labels = {"gear": name}
    container = {
        "name": "main",
        "image": "localhost/none:dev",
        "resources": {"requests": {"cpu": "0.50", "memory": "1024Mi"}},  # the API server writes 500m and 1Gi
        "ports": [{"containerPort": 80}],
    }
    pod = {"containers": [container]}
    deployment = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    job = {"suspend": True, "parallelism": spec["size"], "template": {"spec": {**pod, "restartPolicy": "Never"}}}
    children: list[Apply | Create] = [
        Apply(CONFIG_MAPS, _child(gear, name, {"data": {"size": str(spec["size"])}})),
        Create(JOBS, _child(gear, f"{name}-{spec['size']}", {"spec": job})),
        Apply(DEPLOYMENTS, _child(gear, name, {"spec": deployment})),
    ]
    if "port" in spec:
        service = {"selector": labels, "ports": [{"port": spec["port"]}]}
        children.append(Apply(SERVICES, _child(gear, name, {"spec": service})))
    return tuple(children)


def _child(gear: Object, name: str, content: Object) -> Object:
    meta = gear["metadata"]
    owner = {"apiVersion": GEARS.api_version, "kind": "Gear", "name": meta["name"], "uid": meta["uid"]}
    owner |= {"controller": True, "blockOwnerDeletion": True}
    return {"metadata": {"namespace": meta["namespace"], "name": name, "ownerReferences": [owner]}, **content}


async def main() -> None:
    logs.configure()
    settings = Settings(
        namespace=os.environ["POD_NAMESPACE"],
        identity=os.environ["POD_NAME"],
        tracking_url="http://127.0.0.1:1",
        namespaces=(os.environ["POD_NAMESPACE"],),
        port=int(os.environ["PORT"]),
    )
    await lifecycle.run(Process(settings, await configuration(), [GearController()]))


if __name__ == "__main__":
    asyncio.run(main())
