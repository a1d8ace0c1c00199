"""Answers whether a ModelVersion is usable, and whether it passes its Model's gates."""

from __future__ import annotations

import textwrap

from modelyard.workload.foreign import is_own
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modelversion import ModelVersion

DAMAGE = ("ArtifactMissing", "DigestMismatch")
"""Reasons of a failed fetch that say that a version's stored bytes are gone or were changed."""
LISTED_GATES = 3
"""Number of failed gates that a message names."""


def usable(version: ModelVersion) -> bool:
    """Whether the version is Ready, and of its own namespace whatever its status says."""
    ready = version.status.condition("Ready")
    return ready is not None and ready.status == "True" and is_own(version)


def judged(version: ModelVersion, model: ModelKind, champion: int | None) -> bool:
    """Whether the Model's current gates have been evaluated for this version, and against this ``champion``.

    A version that is not newer than the champion was compared with an earlier one, or with none.
    """
    status = version.status
    if status.approved is None or status.judged_generation != model.generation:
        return False
    if champion is None or version.spec.number <= champion:
        return True
    return status.comparison is not None and status.comparison.champion == champion


def approved(version: ModelVersion, model: ModelKind, champion: int | None) -> bool:
    """Whether the version is Ready and passes all current gates of its Model."""
    return usable(version) and judged(version, model, champion) and bool(version.status.approved)


def broken(version: ModelVersion) -> str:
    """Returns a text that says why the version was not approved: a changed signature, and the first failed gates."""
    failed = [f"{gate.name}: {gate.message}" for gate in version.status.gates if not gate.passed]
    more = [f"and {len(failed) - LISTED_GATES} gates more"] if len(failed) > LISTED_GATES else []
    comparison = version.status.comparison
    changed = []
    if comparison is not None and comparison.signature_changed:
        changed = [f"SignatureChanged since version {comparison.champion}: {comparison.signature_changed}"]
    return "; ".join([*changed, *failed[:LISTED_GATES], *more])


def why_unusable(version: ModelVersion) -> str:
    """Returns the reason and message of a version that is not Ready, in parentheses, or nothing if none is known."""
    ready = version.status.condition("Ready")
    if ready is None or ready.status == "True":
        return ""
    return f" ({ready.reason}: {textwrap.shorten(ready.message, 1000, placeholder=' ...')})"


def is_stalled(version: ModelVersion) -> bool:
    """Whether the version won't become Ready until a person acts."""
    return version.status.condition("Stalled") is not None


def promote_command(namespace: str, model: str, number: int) -> str:
    """Returns the command by which a person makes this version champion."""
    patch = f'{{"spec":{{"pin":{{"version":{number}}}}}}}'
    return f"kubectl patch model {model} -n {namespace} --type=merge -p '{patch}'"
