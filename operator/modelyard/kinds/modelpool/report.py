"""Combines what the pods of a pool report about its models. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelyard.engine.resource import Object
from modelyard.workload.names import short_hash
from modelyard_api.wire.packing import Catalogue, CatalogueState, PackedState


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What all ready pods report together.

    ``loaded`` are the models whose wanted version every ready pod serves. ``failed`` maps each model that some pod
    can't serve to the reason; ``retrying`` says that a pod tries one of them again. ``behind`` are the ready pods that
    have not read the catalogue, or don't answer. ``hash`` changes with any pod's answer.
    """

    loaded: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    behind: tuple[Object, ...] = ()
    hash: str = ""
    retrying: bool = False


def report(catalogue: Catalogue, digest: str, answers: list[tuple[Object, CatalogueState | None]]) -> PoolReport:
    """Returns the combined report; ``answers`` holds each ready pod with its answer, None if it gave none."""
    wanted = {model.name: model.versions[0] for model in catalogue.models}
    reported = [{model.name: model for model in state.models} if state else {} for _, state in answers]

    def of_wanted_version(name: str) -> list[PackedState]:
        """Returns the pods' states of this model, without those about an earlier version."""
        version = wanted[name]
        states = [models[name] for models in reported if name in models]
        return [state for state in states if (state.number, state.digest) == (version.number, version.digest)]

    states_by_model = {name: of_wanted_version(name) for name in wanted}
    failed = {
        name: next(model.reason for model in states if model.state in ("Failed", "Retrying"))
        for name, states in states_by_model.items()
        if any(model.state in ("Failed", "Retrying") for model in states)
    }
    loaded = {
        name
        for name, states in states_by_model.items()
        if answers and len(states) == len(answers) and all(model.state == "Ready" for model in states)
    }
    lines = [
        (pod["metadata"]["name"], state.digest, *(model.model_dump_json() for model in state.models))
        if state
        else (pod["metadata"]["name"],)
        for pod, state in answers
    ]
    return PoolReport(
        loaded=frozenset(loaded),
        failed=failed,
        behind=tuple(pod for pod, state in answers if state is None or state.digest != digest),
        hash=short_hash(*sorted(lines), length=16),
        retrying=any(model.state == "Retrying" for states in states_by_model.values() for model in states),
    )
