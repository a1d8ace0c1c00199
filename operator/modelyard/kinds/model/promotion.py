"""Which version is champion: a policy, free of clusters and clocks."""

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
    """What moved the champion; None: it stays."""
    problem: tuple[str, str] | None = None
    """Reason and message, where there is no champion or not the one that was asked for."""


def choose(model: ModelKind, versions: tuple[ModelVersion, ...]) -> Choice:
    """Pin before gates; a champion moves only forward by gates, and goes only with its version."""
    numbers = {version.spec.number: version for version in versions}
    current = model.status.champion if model.status.champion in numbers else None
    pin = model.spec.pin
    if pin is not None:
        wanted = numbers.get(pin.version)
        if wanted is None or not usable(wanted):
            state = "is not Ready" if wanted else "does not exist"
            message = f"spec.pin.version: version {pin.version} {state}; there are {_listed(numbers)}"
            return Choice(
                current, problem=("PinnedVersionNotFound" if wanted is None else "PinnedVersionNotReady", message)
            )
        return Choice(pin.version, "Pin" if pin.version != current else None)
    if model.spec.promotion == "Automatic":
        better = [v.spec.number for v in versions if v.spec.number > (current or 0) and approved(v, model)]
        if better:
            return Choice(max(better), "Gates")
    if current is None:
        return Choice(None, problem=_why_none(model, versions))
    return Choice(current)


def aliases(champion: int | None, versions: tuple[ModelVersion, ...]) -> list[Alias]:
    """champion, and challenger: the newest usable version above it."""
    newer = [version.spec.number for version in versions if version.spec.number > (champion or 0) and usable(version)]
    made = [Alias(name="champion", version=champion)] if champion else []
    return [*made, Alias(name="challenger", version=max(newer))] if newer else made


def evidence(version: ModelVersion) -> str:
    """A digest of what the promotion was decided on."""
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
