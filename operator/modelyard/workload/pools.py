"""The pods of a ModelPool, and what they say of the models that they share."""

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
    """Of the pool's pods."""
    return {label("ModelPool"): pool}


def pods_need(namespace: str, pool: str) -> PodsWith:
    return PodsWith(namespace, written(selector(pool)))


def ready(pods: Sequence[Object] | Unavailable) -> list[Object]:
    """Those that clients are sent to."""
    found = () if isinstance(pods, Unavailable) else pods
    return [
        pod
        for pod in found
        if holds(pod, "Ready") and pod["status"].get("podIP") and not pod["metadata"].get("deletionTimestamp")
    ]


def page(pod: Object, model: str | None = None) -> Page:
    """What a ready pod says of all its models, or of one."""
    return Page(f"{url(pod['status']['podIP'])}{CATALOGUE_PATH}" + (f"?name={quote(model)}" if model else ""))


def read(fact: bytes | Unavailable) -> CatalogueState | None:
    """None where the pod did not answer, or not with such a document."""
    if isinstance(fact, Unavailable):
        return None
    try:
        return CatalogueState.model_validate_json(fact)
    except ValidationError:
        return None
