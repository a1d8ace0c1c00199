"""Runs many drawn tables, some dozens of models a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from modelyard_runtime.pod.errors import UserError
from tests.unit.meaning.agree import Trained, differences, train
from tests.unit.meaning.tables import draw
from tests.unit.server.serving import running


def disagreements(seeds: Iterable[int]) -> dict[int, list[str]]:
    """Returns seed -> what differs, for the tables of these seeds in which something does."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        repository = scratch / "models"
        found: dict[int, list[str]] = {}
        trained: dict[int, Trained] = {}
        for seed in seeds:
            try:
                trained[seed] = train(draw(seed), scratch / str(seed), repository / f"m{seed}" / "1")
            except UserError as error:
                found[seed] = [f"{error.reason}: {error.message}"]
        if trained:
            with running(repository, scratch, "--memory-budget", str(2**30), repository=True) as server:
                for seed, model in trained.items():
                    if problems := differences(model, server, f"m{seed}"):
                        found[seed] = problems
        return found
