"""Rules of the engine that an operator under test breaks on purpose: the harness must detect each breach."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from modelyard.engine.store import Store
from modelyard.kinds.trainingrun import children


def random_names() -> None:
    """Gives a run's Job a new name each time, so that a new leader creates again what its predecessor created."""
    children.job_name = lambda name, uid: f"{name}-train-{secrets.token_hex(4)}"  # type: ignore[attr-defined]


def lists_are_not_trusted() -> None:
    """Keeps objects in the store that a full list lacks, so that a deletion missed by the watch stays unnoticed."""
    Store.listed = lambda self, resource, namespace, uids, list_version: 0  # type: ignore[method-assign]


RULES: dict[str, Callable[[], None]] = {
    "random-names": random_names,
    "lists-not-trusted": lists_are_not_trusted,
}
