"""Rules of the engine, broken on purpose in an operator under test: the harness must find each of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from modelyard.engine.store import Store
from modelyard.kinds.trainingrun import children


def random_names() -> None:
    """The name of a run's Job is another one each time: what another leader has made is made again."""
    children.job_name = lambda run: f"{run.name}-train-{secrets.token_hex(4)}"


def lists_are_not_trusted() -> None:
    """What a whole list lacks stays in the store: a deletion that no watch told of is never known."""
    Store.listed = lambda self, resource, namespace, seen, version: 0  # type: ignore[method-assign]


RULES: dict[str, Callable[[], None]] = {
    "random-names": random_names,
    "lists-not-trusted": lists_are_not_trusted,
}
