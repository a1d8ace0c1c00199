"""The server that is fuzzed: its repository has two models, one of numbers alone, one of numbers and texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.server import models
from tests.unit.server.serving import Served, running


@contextmanager
def place(scratch: Path) -> Iterator[Served]:
    """Yields a ready server, and kills it at the end."""
    repository = scratch / "models"
    for name, make in (("iris", models.iris), ("penguins", models.penguins)):
        (repository / name).mkdir(parents=True)
        make(repository / name / "1")
    with running(repository, scratch, "--body-seconds", "0.2", repository=True) as server:
        yield server


def resident(server: Served) -> float:
    """Returns the server's resident memory in MiB."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024
