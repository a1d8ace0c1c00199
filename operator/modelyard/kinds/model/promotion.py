"""Chooses which version is champion: a pure function, without cluster or clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelyard.engine.conditions import Condition
from modelyard.kinds.model.waiting import none
from modelyard.workload.versions import approved, usable
from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.kinds.model import Alias, ModelKind
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True, slots=True)
class Choice:
    champion: int | None
    by: Literal["Gates", "Pin"] | None = None
    """What changed the champion; None means that it stays."""
    problem: Condition | None = None
    """ChampionAvailable if there is no champion, or it isn't the one that the spec asks for."""


def choose(
    model: ModelKind, versions: tuple[ModelVersion, ...], champion: int | None, may_change: bool = True
) -> Choice:
    """Returns the champion, which was ``champion``: a pin overrides gates.

    By gates the champion changes only to a higher number, and it is lost only if its version is deleted; it doesn't
    change by them unless it ``may_change``.
    """
    numbers = {version.spec.number: version for version in versions}
    current = champion if champion in numbers else None
    pin = model.spec.pin
    if pin is not None:
        pinned = numbers.get(pin.version)
        if pinned is None or not usable(pinned):
            reason = "PinnedVersionNotFound" if pinned is None else "PinnedVersionNotReady"
            state = "does not exist" if pinned is None else "is not Ready"
            message = f"spec.pin.version: version {pin.version} {state}; there are {_listed(numbers)}"
            return Choice(current, problem=Condition("ChampionAvailable", False, reason, message, warning=True))
        return Choice(pin.version, "Pin" if pin.version != current else None)
    if model.spec.promotion == "Automatic" and may_change:
        approved_numbers = [
            v.spec.number for v in versions if v.spec.number > (current or 0) and approved(v, model, current)
        ]
        if approved_numbers:
            return Choice(max(approved_numbers), "Gates")
    if current is None:
        return Choice(None, problem=none(model, versions))
    return Choice(current)


def aliases(champion: int | None, versions: tuple[ModelVersion, ...]) -> list[Alias]:
    """Returns the alias champion, and challenger: the newest usable version above the champion."""
    newer = [version.spec.number for version in versions if version.spec.number > (champion or 0) and usable(version)]
    champions = [Alias(name="champion", version=champion)] if champion else []
    return [*champions, Alias(name="challenger", version=max(newer))] if newer else champions


def evidence(version: ModelVersion) -> str:
    """Returns a digest of the gates' results and metrics on which the promotion was decided."""
    status = version.status
    return sha256(canonical({"gates": [gate.wire() for gate in status.gates], "metrics": status.metrics}))


def _listed(numbers: dict[int, ModelVersion]) -> str:
    return ", ".join(map(str, sorted(numbers)[-20:])) or "none"
