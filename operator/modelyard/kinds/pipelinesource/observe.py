"""Collects what a PipelineSource's decision is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modelyard.engine.resource import JOBS, Object, Resource
from modelyard.engine.store import Store
from modelyard.workload.names import of_name
from modelyard_api.installation import Installation
from modelyard_api.kinds.pipelinesource import PipelineSource
from modelyard_api.kinds.registry import DELIVERED

SOURCE = "modelyard.dev/pipelinesource"
SOURCE_NAMESPACE = "modelyard.dev/pipelinesource-namespace"
SOURCE_UID = "modelyard.dev/pipelinesource-uid"
"""Labels of what was delivered."""
DELIVERY = "delivered by"
RESOURCES = {kind: Resource.of(kind) for kind in DELIVERED}
"""Kind -> resource of all that may be delivered, in the order in which people use them."""


@dataclass(frozen=True)
class View:
    raw: Object
    source: PipelineSource
    installation: Installation
    jobs: tuple[Object, ...]
    delivered: Mapping[Resource, tuple[Object, ...]]
    """What this source has delivered, in all namespaces."""

    def job(self, name: str | None) -> Object | None:
        """Returns this source's Job of this name, or None."""
        return of_name(self.jobs, name)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    uid = raw["metadata"]["uid"]
    return View(
        raw=raw,
        source=PipelineSource.model_validate(raw),
        installation=installation,
        jobs=tuple(store.owned(JOBS, raw)),
        delivered={resource: tuple(store.find(resource, DELIVERY, uid)) for resource in RESOURCES.values()},
    )


def delivered_by(obj: Object, _: Installation) -> Iterable[str]:
    """Returns the uid of the source that delivered an object."""
    uid = (obj["metadata"].get("labels") or {}).get(SOURCE_UID)
    return (uid,) if uid else ()
