"""A client that returns the API server's answers unchanged, refusals included, over one kept connection."""

from __future__ import annotations

import json
import re
from typing import Any

from modelyard.engine import anyjson
from modelyard.engine.resource import PODS, Resource
from modelyard_api.fields.builtin import BUILT_IN
from modelyard_api.kinds.registry import KINDS as OUR_KINDS
from tests.harness.fuzz.schema import DEEP
from tests.kinds.sample import placed
from tests.support.client import JSON_PATCH, MERGE_PATCH, Answer, Client

Object = dict[str, Any]

KINDS = tuple(Resource.of(kind) for kind in OUR_KINDS)
_OWNED = dict.fromkeys(child for kind in OUR_KINDS.values() for child in kind.info.owns if child in BUILT_IN)
CHILDREN = tuple(Resource.of(kind) for kind in _OWNED if not BUILT_IN[kind].addon)
"""The built-in resources that our kinds own on a cluster without add-ons."""
ALL = (*KINDS, *CHILDREN, PODS)
BY_KIND = {resource.kind: resource for resource in ALL}


_DEEP = re.compile(rf'"{DEEP}(\d+)"')


def _lists(depth: re.Match[str]) -> str:
    return "[" * int(depth[1]) + "]" * int(depth[1])


def _dumps(body: Any) -> str:
    return _DEEP.sub(_lists, json.dumps(body))


class FuzzClient(Client):
    """Sends and reads documents of any depth."""

    def __init__(self, cluster: str) -> None:
        super().__init__(cluster, _dumps, anyjson.loads)

    def create(self, manifest: Object, namespace: str) -> Answer:
        path = BY_KIND[manifest["kind"]].path(namespace)
        return self.send("POST", f"{path}?fieldValidation=Strict", placed(manifest, namespace))

    def replace_spec(self, manifest: Object, spec: Any, namespace: str) -> Answer:
        """Replaces the spec alone, and keeps the rest of the object."""
        path = BY_KIND[manifest["kind"]].path(namespace, manifest["metadata"]["name"])
        change = [{"op": "replace", "path": "/spec", "value": placed(spec, namespace)}]
        return self.send("PATCH", path, change, JSON_PATCH)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        answer = self.send("GET", resource.path(namespace, name))
        return dict(answer.document) if answer.ok else None

    def items(self, resource: Resource, namespace: str) -> list[Object]:
        """Returns a namespace's objects of one resource, each with its kind."""
        answer = self.send("GET", resource.path(namespace))
        assert answer.ok, answer.document
        return [{**item, "kind": resource.kind} for item in answer.document["items"]]

    def delete(self, obj: Object, namespace: str) -> Answer:
        """Deletes in the background, and removes the finalizers that the story itself has set."""
        path = BY_KIND[obj["kind"]].path(namespace, obj["metadata"]["name"])
        answer = self.send("DELETE", path, {"propagationPolicy": "Background"})
        if obj["metadata"].get("finalizers"):
            self.send("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)
        return answer
