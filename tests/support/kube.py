"""A namespace of a cluster, by HTTP or kubectl, with waits that report the objects' state when they time out."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.common.ports import is_open
from tests.localcluster import access
from tests.support.client import APPLY, MERGE_PATCH, Client, Refused
from tests.support.resources import Resources
from tests.support.services import is_led

Object = dict[str, Any]


@functools.cache
def _client(cluster: str, server: str) -> tuple[Client, Resources]:
    """Returns a cluster's client, a new one if ``server``, the text of its kubeconfig, has changed."""
    client = Client(cluster)
    return client, Resources(client)


class Kube:
    """One namespace of one cluster."""

    def __init__(self, cluster: str, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    @property
    def client(self) -> Client:
        return _client(self.cluster, access.kubeconfig(self.cluster).read_text())[0]

    @property
    def resources(self) -> Resources:
        return _client(self.cluster, access.kubeconfig(self.cluster).read_text())[1]

    def run(self, *args: str, text: str | None = None) -> str:
        """Runs kubectl and returns its output. Raises CannotRun with its error message."""
        return access.kubectl(self.cluster, "--namespace", self.namespace, *args, input=text)

    def apply(self, *objects: Object) -> None:
        """Applies objects as ``kubectl apply --server-side`` does. Raises Refused."""
        for obj in objects:
            path = self.resources.of(obj).path(self.namespace, obj["metadata"]["name"])
            self.client.must("PATCH", f"{path}?fieldManager=kubectl&fieldValidation=Strict", obj, APPLY)

    def patch(self, kind: str, name: str, change: Object) -> Object:
        """Sends a merge-patch and returns the object. Raises Refused."""
        return dict(self.client.must("PATCH", self._path(kind, name), change, MERGE_PATCH))

    def delete(self, kind: str, name: str, **options: Any) -> None:
        """Deletes an object in the background, if it exists. Raises Refused."""
        answer = self.client.send("DELETE", self._path(kind, name), {"propagationPolicy": "Background", **options})
        if not answer.ok and answer.code != 404:
            raise Refused(f"DELETE {kind} {name}: {answer.code} {answer.message}")

    def get(self, kind: str, name: str) -> Object | None:
        answer = self.client.send("GET", self._path(kind, name))
        if answer.code == 404:
            return None
        if not answer.ok:
            raise Refused(f"GET {kind} {name}: {answer.code} {answer.message}")
        return dict(answer.document)

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """Returns all objects of a kind, or of a category, each with its apiVersion and kind."""
        objects = []
        for resource in self.resources.named(kind):
            path = resource.path(self.namespace) + (f"?labelSelector={quote(selector)}" if selector else "")
            items = self.client.must("GET", path)["items"]
            objects += [{**item, "apiVersion": resource.api_version, "kind": resource.kind} for item in items]
        return objects

    def _path(self, kind: str, name: str) -> str:
        return self.resources.named(kind)[0].path(self.namespace, name)

    def until(self, what: str, probe: Callable[[], Any], seconds: float = 120, every: float = 0.3) -> Any:
        """Returns the first true answer of ``probe``. Raises TimeoutError with the state of all our objects."""
        deadline = time.monotonic() + seconds
        while True:
            answer = probe()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}\n{self.picture()}")
            time.sleep(every)

    def address(self, service: str, port: str | None = None) -> tuple[str, int]:
        """Returns cluster IP and port of a Service, its first port by default, once a pod accepts connections there.

        kube-proxy opens an address some time after the API shows a Service or its pods as ready, without any sign.
        """
        obj = self.get("service", service)
        assert obj is not None, f"there is no Service {service}"
        spec, name = obj["spec"], f"{self.namespace}/{service}"
        number = next(item["port"] for item in spec["ports"] if port in (None, item["name"]))
        address = (str(spec["clusterIP"]), int(number))
        led = f"{name} at {address[0]}:{address[1]} leads to pods"
        self.until(led, lambda: is_led(self.cluster, name, address) and is_open(address), 60)
        return address

    def until_condition(
        self,
        kind: str,
        name: str,
        type_: str = "Ready",
        status: str = "True",
        reason: str | None = None,
        seconds: float = 120,
    ) -> Object:
        """Waits for a condition that is observed for the current generation, and returns it. Raises TimeoutError."""

        def probe() -> Object | None:
            obj = self.get(kind, name)
            item = condition(obj, type_)
            current = obj and item and item.get("observedGeneration") == obj["metadata"]["generation"]
            matches = current and item["status"] == status and reason in (None, item["reason"])
            return item if matches else None

        return self.until(f"{kind}/{name} {type_}={status} {reason or ''}", probe, seconds)

    def picture(self) -> str:
        """Returns the objects' state as text: what a person would look at when something is stuck."""
        wide = self.run("get", "modelyard,jobs,pods,deployments", "--output=wide", "--ignore-not-found")
        lines = []
        for obj in self.list("modelyard"):
            ready = condition(obj, "Ready") or condition(obj, "Suspended") or {}
            lines.append(f"{obj['kind']}/{obj['metadata']['name']}: {ready.get('reason')}: {ready.get('message')}")
        return wide + "\n" + "\n".join(lines)


def condition(obj: Object | None, type_: str) -> Object | None:
    for item in ((obj or {}).get("status") or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None
