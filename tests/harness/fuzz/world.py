"""Where stories are told: namespaces with something in them, a tracking server, and the operator as a process."""

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
"""Namespaces: of stories, of the same objects without their edits, of objects that must go on, of untouched ones."""
_MANAGED = "app.kubernetes.io/managed-by"


class World:
    """``with World(cluster) as world``: of an entered cluster of provider kwok."""

    def __init__(self, cluster: str, module: str = "modelyard.main") -> None:
        self._cluster, self._module = cluster, module
        self._stack = ExitStack()
        self._canary = 1000
        self.log_path = Path(tempfile.gettempdir()) / f"modelyard-fuzz-{cluster}.log"

    def __enter__(self) -> World:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
            self.tracking = stack.enter_context(Tracking(folder / "tracking"))
            namespaces = (FIRST, FRESH, CANARIES, BYSTANDER)
            kubeconfig = played.install_rights(self._cluster, self.tracking.url, folder, namespaces)
            self.client = FuzzClient(self._cluster)
            anyjson.allow_depth()
            for uri, document in standing.results():
                self.tracking.put(uri, document)
            for namespace in namespaces:
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
        """The first true answer, or the last one; at once when the operator has ended, or has trouble in its log."""
        ends = time.monotonic() + seconds
        while not (answer := check()):
            if time.monotonic() > ends or self.operator.process.poll() is not None or not self.log.is_clean():
                break
            time.sleep(every)
        return answer

    def next_canary(self) -> int:
        self._canary += 1
        return self._canary

    # --- what is there ----------------------------------------------------------------------------------------------

    def left(self, namespace: str) -> list[Object]:
        """What is neither standing nor a person's."""
        names = {(one["kind"], one["metadata"]["name"]) for one in self._standing(namespace)}
        found = [one for resource in KINDS for one in self.client.items(resource, namespace)]
        made = [one for resource in (*CHILDREN, PODS) for one in self.client.items(resource, namespace)]
        ours = [one for one in made if (one["metadata"].get("labels") or {}).get(_MANAGED) == "modelyard"]
        return [one for one in found if (one["kind"], one["metadata"]["name"]) not in names] + ours

    def clear(self, namespace: str, seconds: float = 30) -> list[Object]:
        """Delete what a story has left; what can't be deleted in that time is the answer."""
        kinds = {resource.kind for resource in KINDS}

        def gone() -> bool:
            left[:] = self.left(namespace)
            for one in left:
                if one["kind"] in kinds and "deletionTimestamp" not in one["metadata"]:
                    self.client.delete(one, namespace)
            return not left

        left: list[Object] = []
        ends = time.monotonic() + seconds
        while not gone() and time.monotonic() < ends:
            time.sleep(0.2)
        return left

    def bystanders(self) -> dict[str, Any]:
        """The versions of all objects of a namespace that no story has to do with."""
        found = [one for resource in ALL for one in self.client.items(resource, BYSTANDER)]
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}

    def touched(self) -> Iterable[str]:
        """What happened to objects that no story has to do with."""
        for line in oracle.differences(self.bystanders(), self._before):
            yield f"an object of another namespace was touched: {line}"
        for namespace in (FIRST, FRESH):
            for kind, name in (("Service", "taken"), ("Deployment", "taken")):
                answer = self.client.send("GET", _resource(kind).path(namespace, name))
                meta = answer.document.get("metadata", {})
                if not answer.ok or meta.get("ownerReferences") or _MANAGED in (meta.get("labels") or {}):
                    yield f"a person's {kind} {namespace}/{name} was touched: {answer.document}"

    def _stands(self, namespace: str) -> bool:
        found = [self.client.get(_resource(kind), namespace, name) for kind, name in _wanted(namespace)]
        return all(one is not None and oracle.is_told(one) for one in found)

    def _standing(self, namespace: str) -> list[Object]:
        return standing.ours(namespace)


def _wanted(namespace: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["metadata"]["name"]) for one in standing.ours(namespace)]


def _resource(kind: str) -> Any:
    return next(resource for resource in ALL if resource.kind == kind)
