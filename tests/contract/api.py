"""The API server's answers as they are: code, document and warnings; mostly dry runs, so that little is left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.contract.objects import PLURALS, Object
from tests.support.rest import Rest

MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Answer:
    code: int
    document: Any
    warnings: tuple[str, ...]

    @property
    def message(self) -> str:
        return str(self.document.get("message", ""))


class Api(Rest):
    """One namespace of one cluster."""

    def __init__(self, cluster: str, namespace: str) -> None:
        super().__init__(cluster)
        self.cluster, self.namespace = cluster, namespace

    def path(self, kind: str, name: str = "") -> str:
        base = f"/apis/modelyard.dev/v1alpha1/namespaces/{self.namespace}/{PLURALS[kind]}"
        return f"{base}/{name}" if name else base

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        connection = self._connect(30)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": content_type})
            answer = connection.getresponse()
            warnings = tuple(answer.headers.get_all("Warning") or ())
            return Answer(answer.status, json.loads(answer.read() or b"{}"), warnings)
        finally:
            connection.close()

    def create(self, obj: Object, query: str = "dryRun=All&fieldValidation=Strict") -> Answer:
        return self.send("POST", f"{self.path(obj['kind'])}?{query}", obj)

    def patch(self, kind: str, name: str, change: Object, query: str = "dryRun=All", subresource: str = "") -> Answer:
        path = self.path(kind, name) + (f"/{subresource}" if subresource else "")
        return self.send("PATCH", f"{path}?{query}", change, MERGE_PATCH)

    def store(self, obj: Object, status: Object | None = None) -> Object:
        """Really creates it, as one that is being deleted but held by a finalizer: an operator leaves it alone."""
        kind, name = obj["kind"], obj["metadata"]["name"]
        held = obj | {"metadata": obj["metadata"] | {"finalizers": ["modelyard.dev/contract-test"]}}
        made = self.create(held, "")
        assert made.code == 201, made.message
        deleted = self.send("DELETE", self.path(kind, name))
        assert deleted.code in (200, 202), deleted.message
        answer = self.patch(kind, name, {"status": status or {}}, "", "status")
        assert answer.code == 200, answer.message
        return dict(answer.document)

    def release(self, kind: str, name: str) -> None:
        self.patch(kind, name, {"metadata": {"finalizers": None}}, "")
