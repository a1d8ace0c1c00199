"""What the pods of a pool say of its models, put together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelyard.engine.resource import Object
from modelyard.workload.names import short_hash
from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedState


@dataclass(frozen=True, slots=True)
class PoolReport:
    """``loaded``: models that every ready pod serves as wanted; ``failed``: name to reason of those that some pod can't
    serve. ``behind``: ready pods that have not read the catalogue, or don't say. ``hash``: of all that was said."""

    loaded: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    behind: tuple[Object, ...] = ()
    hash: str = ""
    retrying: bool = False


def report(catalogue: Catalogue, digest: str, said: list[tuple[Object, CatalogueState | None]]) -> PoolReport:
    """``said``: each ready pod with its answer."""
    wanted = {model.name: model.versions[0] for model in catalogue.models}
    told = [{model.name: model for model in state.models} if state else {} for _, state in said]

    def of(name: str) -> list[PackedState]:
        """What pods say of the wanted version, and not of one before it."""
        version = wanted[name]
        found = [models[name] for models in told if name in models]
        return [one for one in found if (one.number, one.digest) == (version.number, version.digest)]

    states = {name: of(name) for name in wanted}
    failed = {
        name: next(one.reason for one in found if one.state in ("Failed", "Retrying"))
        for name, found in states.items()
        if any(one.state in ("Failed", "Retrying") for one in found)
    }
    loaded = {
        name
        for name, found in states.items()
        if said and len(found) == len(said) and all(one.state == "Ready" for one in found)
    }
    lines = [
        (pod["metadata"]["name"], state.digest, *(model.model_dump_json() for model in state.models))
        if state
        else (pod["metadata"]["name"],)
        for pod, state in said
    ]
    return PoolReport(
        loaded=frozenset(loaded),
        failed=failed,
        behind=tuple(pod for pod, state in said if state is None or state.digest != digest),
        hash=short_hash(*sorted(lines), length=16),
        retrying=any(one.state == "Retrying" for found in states.values() for one in found),
    )
