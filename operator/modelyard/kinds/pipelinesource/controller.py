"""Wires PipelineSources into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import PIPELINE_SOURCES, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.pipelinesource.decide import decide
from modelyard.kinds.pipelinesource.observe import (
    DELIVERY,
    RESOURCES,
    SOURCE,
    SOURCE_NAMESPACE,
    delivered_by,
    observe,
)
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.pipelinesource import PipelineSource


def _source_of(obj: Object, _: Store) -> Iterable[Key]:
    """Returns the key of the source that delivered an object, in whatever namespace it is."""
    labels = obj["metadata"].get("labels") or {}
    name, namespace = labels.get(SOURCE), labels.get(SOURCE_NAMESPACE)
    return (Key(PIPELINE_SOURCES, namespace, name),) if name and namespace else ()


WIRING = Wiring(
    PipelineSource,
    observe,
    decide,
    wakes=dict.fromkeys(RESOURCES.values(), _source_of),
    indexes={resource: {DELIVERY: delivered_by} for resource in RESOURCES.values()},
)
