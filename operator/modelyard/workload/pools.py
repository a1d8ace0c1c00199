"""Finds the pods of a ModelPool, and reads what they report about the models they serve."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from pydantic import ValidationError

from modelyard.engine.conditions import holds
from modelyard.engine.plan import Page, PodsWith, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload.names import label
from modelyard.workload.server import url, written
from modelyard_api.wire.packing import CATALOGUE_PATH, CatalogueState


def selector(pool: str) -> dict[str, str]:
    """Returns the label selector of the pool's pods."""
    return {label("ModelPool"): pool}


def pods_need(namespace: str, pool: str) -> PodsWith:
    return PodsWith(namespace, written(selector(pool)))


def ready(pods: Sequence[Object] | Unavailable) -> list[Object]:
    """Returns the pods that clients are sent to: Ready, with an IP address, and not being deleted."""
    known = () if isinstance(pods, Unavailable) else pods
    return [
        pod
        for pod in known
        if holds(pod, "Ready") and pod["status"].get("podIP") and not pod["metadata"].get("deletionTimestamp")
    ]


def page(pod: Object, model: str | None = None) -> Page:
    """Returns the need for a ready pod's report about all its models, or about one."""
    return Page(f"{url(pod['status']['podIP'])}{CATALOGUE_PATH}" + (f"?name={quote(model)}" if model else ""))


def read(fact: bytes | Unavailable) -> CatalogueState | None:
    """Parses a pod's report. Returns None if the pod did not answer, or not with such a document."""
    if isinstance(fact, Unavailable):
        return None
    try:
        return CatalogueState.model_validate_json(fact)
    except ValidationError:
        return None
