"""The place where stories are played: prepared namespaces, a tracking server, and the operator as a process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from modelyard.engine import anyjson
from tests.harness.fuzz import oracle, standing
from tests.harness.fuzz.client import ALL, CHILDREN, KINDS, PODS, FuzzClient
from tests.harness.fuzz.log import Log
from tests.support import played
from tests.support.operator import Operator
from tests.support.tracking import Tracking

Object = dict[str, Any]

FIRST, FRESH, CANARIES, BYSTANDER = "fuzz-first", "fuzz-fresh", "fuzz-canaries", "fuzz-bystander"
"""The namespaces of the stories, of the same objects without edits, of canaries that must be handled soon, and of
objects that no story touches."""
_MANAGED = "app.kubernetes.io/managed-by"


class World:
    """Use as ``with World(cluster) as world``, with the name of an entered cluster of the provider kwok."""

    def __init__(self, cluster: str, module: str = "modelyard.main", tracking: Tracking | None = None) -> None:
        self._cluster, self._module, self._given = cluster, module, tracking
        self._stack = ExitStack()
        self._canary = 1000
        self.log_path = Path(tempfile.gettempdir()) / f"modelyard-fuzz-{cluster}.log"

    def __enter__(self) -> World:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
            self.tracking = self._given or stack.enter_context(Tracking(folder / "tracking"))
            namespaces = (FIRST, FRESH, CANARIES, BYSTANDER)
            kubeconfig = played.install_rights(self._cluster, self.tracking.url, folder, namespaces)
            self.client = FuzzClient(self._cluster)
            anyjson.allow_depth()
            for namespace in namespaces:
                for uri, document in standing.results(namespace):
                    self.tracking.put(uri, document)
                played.apply(self._cluster, [*standing.foreign(namespace), *standing.ours(namespace)])
            self.log_path.unlink(missing_ok=True)
            self.operator = Operator(kubeconfig, played.SYSTEM, self.log_path, self._module)
            self.start()
            stack.callback(self.stop)
            self.log = Log(self.log_path)
            for namespace in namespaces:
                self.clear(namespace)
                self.until(30, lambda namespace=namespace: self._stands(namespace))
            self._before = self.bystanders()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        self.operator.start()
        self.operator.until("the operator leads", self.operator.idle)

    def stop(self) -> None:
        if self.operator.process.poll() is None:
            self.operator.stop()

    def until(self, seconds: float, check: Callable[[], Any], every: float = 0.05) -> Any:
        """Waits for a true answer, and returns it or the last one. Stops early if the operator has ended, or if its log
        shows a defect."""
        ends = time.monotonic() + seconds
        while not (answer := check()):
            if time.monotonic() > ends or self.operator.process.poll() is not None or not self.log.is_clean():
                break
            time.sleep(every)
        return answer

    def next_canary(self) -> int:
        self._canary += 1
        return self._canary

    # --- the objects ------------------------------------------------------------------------------------------------

    def left(self, namespace: str) -> list[Object]:
        """Returns the objects that a story has left: neither the standing ones nor a person's own."""
        standing_names = set(_standing_names(namespace))
        objects = [obj for resource in KINDS for obj in self.client.items(resource, namespace)]
        children = [child for resource in (*CHILDREN, PODS) for child in self.client.items(resource, namespace)]
        ours = [child for child in children if (child["metadata"].get("labels") or {}).get(_MANAGED) == "modelyard"]
        return [obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) not in standing_names] + ours

    def clear(self, namespace: str, seconds: float = 30) -> list[Object]:
        """Deletes what a story has left, and returns what still exists after ``seconds``."""
        kinds = {resource.kind for resource in KINDS}

        def gone() -> bool:
            remaining[:] = self.left(namespace)
            for obj in remaining:
                if obj["kind"] in kinds and "deletionTimestamp" not in obj["metadata"]:
                    self.client.delete(obj, namespace)
            return not remaining

        remaining: list[Object] = []
        ends = time.monotonic() + seconds
        while not gone() and time.monotonic() < ends:
            time.sleep(0.2)
        return remaining

    def bystanders(self) -> dict[str, Any]:
        """Returns the versions of all objects in the namespace that no story touches."""
        objects = [obj for resource in ALL for obj in self.client.items(resource, BYSTANDER)]
        return {f"{obj['kind']}/{obj['metadata']['name']}": obj["metadata"]["resourceVersion"] for obj in objects}

    def touched(self) -> Iterable[str]:
        """Yields a text for each object that was touched although no story concerns it."""
        for line in oracle.differences(self.bystanders(), self._before):
            yield f"an object of another namespace was touched: {line}"
        for namespace in (FIRST, FRESH):
            for kind, name in (("Service", "taken"), ("Deployment", "taken")):
                answer = self.client.send("GET", _resource(kind).path(namespace, name))
                meta = answer.document.get("metadata", {})
                if not answer.ok or meta.get("ownerReferences") or _MANAGED in (meta.get("labels") or {}):
                    yield f"a person's {kind} {namespace}/{name} was touched: {answer.document}"

    def _stands(self, namespace: str) -> bool:
        objects = [self.client.get(_resource(kind), namespace, name) for kind, name in _standing_names(namespace)]
        return all(obj is not None and oracle.is_reported(obj) for obj in objects)


def _standing_names(namespace: str) -> list[tuple[str, str]]:
    return [(obj["kind"], obj["metadata"]["name"]) for obj in standing.ours(namespace)]


def _resource(kind: str) -> Any:
    return next(resource for resource in ALL if resource.kind == kind)
