"""Chooses which version is champion: a pure function, without cluster or clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelyard.workload.versions import approved, usable
from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.kinds.model import Alias, ModelKind
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True, slots=True)
class Choice:
    champion: int | None
    by: Literal["Gates", "Pin"] | None = None
    """What changed the champion; None means that it stays."""
    problem: tuple[str, str] | None = None
    """Reason and message if there is no champion, or it isn't the one that the spec asks for."""


def choose(model: ModelKind, versions: tuple[ModelVersion, ...]) -> Choice:
    """Returns the champion: a pin overrides gates.

    By gates the champion changes only to a higher number, and it is lost only if its version is deleted.
    """
    numbers = {version.spec.number: version for version in versions}
    current = model.status.champion if model.status.champion in numbers else None
    pin = model.spec.pin
    if pin is not None:
        pinned = numbers.get(pin.version)
        if pinned is None or not usable(pinned):
            state = "is not Ready" if pinned else "does not exist"
            message = f"spec.pin.version: version {pin.version} {state}; there are {_listed(numbers)}"
            return Choice(
                current, problem=("PinnedVersionNotFound" if pinned is None else "PinnedVersionNotReady", message)
            )
        return Choice(pin.version, "Pin" if pin.version != current else None)
    if model.spec.promotion == "Automatic":
        approved_numbers = [v.spec.number for v in versions if v.spec.number > (current or 0) and approved(v, model)]
        if approved_numbers:
            return Choice(max(approved_numbers), "Gates")
    if current is None:
        return Choice(None, problem=_why_none(model, versions))
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


def _why_none(model: ModelKind, versions: tuple[ModelVersion, ...]) -> tuple[str, str]:
    if not versions:
        return "NoVersions", "no version yet; apply a TrainingRun whose spec.modelRef names this Model"
    if model.spec.promotion == "Manual":
        numbers = {version.spec.number: version for version in versions}
        return "AwaitingPromotion", f"promotion is Manual: set spec.pin.version to one of {_listed(numbers)}"
    newest = versions[-1]
    broken = [gate.message for gate in newest.status.gates if not gate.passed]
    if broken:
        return "NoVersionApproved", f"no version passes all gates; version {newest.spec.number}: {'; '.join(broken)}"
    return "NoVersionApproved", "no version has been judged by all gates yet"


def _listed(numbers: dict[int, ModelVersion]) -> str:
    return ", ".join(map(str, sorted(numbers)[-20:])) or "none"
