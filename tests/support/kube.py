"""kubectl against a named cluster, in one namespace, with waits that say what they saw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.localcluster import access

Object = dict[str, Any]


class Kube:
    """One namespace of one cluster."""

    def __init__(self, cluster: str, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def run(self, *args: str, text: str | None = None) -> str:
        """kubectl's output. Raises with its error message."""
        return access.kubectl(self.cluster, "--namespace", self.namespace, *args, input=text)

    def apply(self, *objects: Object) -> None:
        self.run(
            "apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def get(self, kind: str, name: str) -> Object | None:
        found = self.run("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(found) if found.strip() else None

    def list(self, kind: str, selector: str = "") -> list[Object]:
        args = ["get", kind, "--output=json", *([f"--selector={selector}"] if selector else [])]
        return list(json.loads(self.run(*args))["items"])

    def until(self, what: str, probe: Callable[[], Any], seconds: float = 120, every: float = 0.3) -> Any:
        """The first true answer of ``probe``. Raises TimeoutError with the state of all our objects."""
        deadline = time.monotonic() + seconds
        while True:
            answer = probe()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}\n{self.picture()}")
            time.sleep(every)

    def until_condition(
        self,
        kind: str,
        name: str,
        type_: str = "Ready",
        status: str = "True",
        reason: str | None = None,
        seconds: float = 120,
    ) -> Object:
        """Waits for a condition, for the generation as it is now, and returns it."""

        def probe() -> Object | None:
            obj = self.get(kind, name)
            found = condition(obj, type_)
            current = obj and found and found.get("observedGeneration") == obj["metadata"]["generation"]
            right = current and found["status"] == status and reason in (None, found["reason"])
            return found if right else None

        return self.until(f"{kind}/{name} {type_}={status} {reason or ''}", probe, seconds)

    def picture(self) -> str:
        """What a person would look at when something does not get on."""
        wide = self.run("get", "modelyard,jobs,pods,deployments", "--output=wide", "--ignore-not-found")
        lines = []
        for obj in self.list("modelyard"):
            found = condition(obj, "Ready") or {}
            lines.append(f"{obj['kind']}/{obj['metadata']['name']}: {found.get('reason')}: {found.get('message')}")
        return wide + "\n" + "\n".join(lines)


def condition(obj: Object | None, type_: str) -> Object | None:
    for item in ((obj or {}).get("status") or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None
