"""Pods of Jobs end as a story wants it: what the kubelet would write is written in its place."""

from __future__ import annotations

import json
from typing import Any

from modelyard_api.wire.task import ANNOTATION
from tests.harness.fuzz.client import PODS
from tests.harness.fuzz.world import World
from tests.kinds.sample import BASE
from tests.support.client import MERGE_PATCH

Object = dict[str, Any]


def end(world: World, job: Object, outcome: Object) -> bool:
    """Write what a pod of the Job leaves behind, then end it; false where it has no pod that runs."""
    namespace, uid = job["metadata"]["namespace"], job["metadata"]["uid"]
    task = json.loads(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION])

    def running() -> list[Object]:
        return [
            pod
            for pod in world.client.items(PODS, namespace)
            if (pod["metadata"].get("labels") or {}).get("batch.kubernetes.io/controller-uid") == uid
            and pod["status"].get("phase") == "Running"
        ]

    found = world.until(2, running)
    if not found:
        return False
    _leave(world, task, outcome.get("document"))
    for pod in found:
        status = {"phase": outcome["phase"], "containerStatuses": _ended(pod, outcome)}
        path = PODS.path(namespace, pod["metadata"]["name"], "status")
        world.client.send("PATCH", path, {"status": status}, MERGE_PATCH)
    return True


def is_over(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def _leave(world: World, task: Object, document: str | bytes | None) -> None:
    if document is None:
        return
    data = document if isinstance(document, bytes) else document.encode()
    data = data.replace(BASE.encode(), task["baseURI"].encode())
    world.tracking.put_bytes(task["resultURI"], data)
    # A run's version is proven by the result beside its artifact.
    world.tracking.put_bytes(f"{task['baseURI']}/model/result.json", data)


def _ended(pod: Object, outcome: Object) -> list[Object]:
    ended: Object = {"exitCode": outcome.get("exitCode", 0), "reason": outcome.get("reason", "Completed")}
    if "message" in outcome:
        ended["message"] = outcome["message"]
    return [
        {
            **{"name": one["name"], "image": one["image"], "imageID": "", "restartCount": 0, "ready": False},
            "state": {"terminated": ended},
        }
        for one in pod["spec"]["containers"]
    ]
