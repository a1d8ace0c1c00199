"""Creates a namespace for one test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.kube import Kube


@contextmanager
def new_namespace(cluster: str) -> Iterator[Kube]:
    """Yields a new namespace that enforces the restricted Pod Security Standard.

    It is deleted afterwards, without waiting for its end.
    """
    kube = Kube(cluster, f"test-{uuid.uuid4().hex[:8]}")
    metadata = {"name": kube.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield kube
    finally:
        kube.delete("namespace", kube.namespace)
