"""A namespace of a test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.kube import Kube


@contextmanager
def new_namespace(cluster: str) -> Iterator[Kube]:
    """One that enforces the restricted Pod Security Standard; deleted afterwards, without waiting for its end."""
    made = Kube(cluster, f"test-{uuid.uuid4().hex[:8]}")
    metadata = {"name": made.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield made
    finally:
        made.delete("namespace", made.namespace)
