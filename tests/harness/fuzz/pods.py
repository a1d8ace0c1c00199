"""Ends the pods of Jobs as a story says, by writing the status that the kubelet would write."""

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
    """Writes what a pod of the Job leaves behind, then ends its pods. Returns False if none of them runs."""
    namespace, uid = job["metadata"]["namespace"], job["metadata"]["uid"]
    task = json.loads(job["spec"]["template"]["metadata"]["annotations"][ANNOTATION])

    def running() -> list[Object]:
        return [
            pod
            for pod in world.client.items(PODS, namespace)
            if (pod["metadata"].get("labels") or {}).get("batch.kubernetes.io/controller-uid") == uid
            and pod["status"].get("phase") == "Running"
        ]

    pods = world.until(2, running)
    if not pods:
        return False
    _write_result(world, task, outcome.get("document"))
    for pod in pods:
        status = {"phase": outcome["phase"], "containerStatuses": _container_statuses(pod, outcome)}
        path = PODS.path(namespace, pod["metadata"]["name"], "status")
        world.client.send("PATCH", path, {"status": status}, MERGE_PATCH)
    return True


def is_over(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(item["type"] in ("Complete", "Failed") and item["status"] == "True" for item in conditions)


def _write_result(world: World, task: Object, document: str | bytes | None) -> None:
    if document is None:
        return
    data = document if isinstance(document, bytes) else document.encode()
    data = data.replace(BASE.encode(), task["baseURI"].encode())
    world.tracking.put_bytes(task["resultURI"], data)
    # A ModelVersion of a run is verified by the result in the artifact's folder.
    world.tracking.put_bytes(f"{task['baseURI']}/model/result.json", data)


def _container_statuses(pod: Object, outcome: Object) -> list[Object]:
    ended: Object = {"exitCode": outcome.get("exitCode", 0), "reason": outcome.get("reason", "Completed")}
    if "message" in outcome:
        ended["message"] = outcome["message"]
    return [
        {
            **{"name": spec["name"], "image": spec["image"], "imageID": "", "restartCount": 0, "ready": False},
            "state": {"terminated": ended},
        }
        for spec in pod["spec"]["containers"]
    ]
