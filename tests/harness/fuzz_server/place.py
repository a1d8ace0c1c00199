"""The server that is fuzzed: a repository of two models, numbers alone and numbers with texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.server import models
from tests.unit.server.serving import Served, running


@contextmanager
def place(scratch: Path) -> Iterator[Served]:
    """A server that is ready; killed at the end."""
    repository = scratch / "models"
    for name, make in (("iris", models.iris), ("penguins", models.penguins)):
        (repository / name).mkdir(parents=True)
        make(repository / name / "1")
    with running(repository, scratch, "--body-seconds", "0.2", repository=True) as server:
        yield server


def resident(server: Served) -> float:
    """MiB that the process has in memory."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024
