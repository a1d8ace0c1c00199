"""Returns the API server's answers unchanged: code, document and warnings. Most requests are dry runs."""

from __future__ import annotations

from modelyard.engine.resource import Resource
from tests.kinds.sample import Object
from tests.support.client import MERGE_PATCH, Answer, Client


class Api(Client):
    """A client for one namespace of one cluster."""

    def __init__(self, cluster: str, namespace: str) -> None:
        super().__init__(cluster)
        self.namespace = namespace

    def path(self, kind: str, name: str = "") -> str:
        return Resource.of(kind).path(self.namespace, name)

    def create(self, obj: Object, query: str = "dryRun=All&fieldValidation=Strict") -> Answer:
        return self.send("POST", f"{self.path(obj['kind'])}?{query}", obj)

    def patch(self, kind: str, name: str, change: Object, query: str = "dryRun=All", subresource: str = "") -> Answer:
        path = self.path(kind, name) + (f"/{subresource}" if subresource else "")
        return self.send("PATCH", f"{path}?{query}", change, MERGE_PATCH)

    def store(self, obj: Object, status: Object | None = None) -> Object:
        """Creates the object for real and returns it, with a deletion pending on a finalizer: operators ignore it."""
        kind, name = obj["kind"], obj["metadata"]["name"]
        held = obj | {"metadata": obj["metadata"] | {"finalizers": ["modelyard.dev/contract-test"]}}
        created = self.create(held, "")
        assert created.code == 201, created.message
        deleted = self.send("DELETE", self.path(kind, name))
        assert deleted.code in (200, 202), deleted.message
        answer = self.patch(kind, name, {"status": status or {}}, "", "status")
        assert answer.code == 200, answer.message
        return dict(answer.document)

    def release(self, kind: str, name: str) -> None:
        self.patch(kind, name, {"metadata": {"finalizers": None}}, "")
