"""Clients that ask about the real penguins of the example, weighed by a scale that may be wrong."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from tests.support.clients import Clients, Rest
from tests.support.infer import request_of
from tests.support.kube import Kube

NUMBERS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
TEXTS = ("island", "sex")
ROWS = 10
"""Penguins in one request."""


def birds(table: Path) -> list[dict[str, Any]]:
    """Returns the rows of a table of penguins, as a client writes them."""
    with table.open(newline="") as file:
        return [_inputs(row) for row in csv.DictReader(file)]


class Flock:
    """Draws requests from a table. ``scale_error`` is added to each body mass from the next request on."""

    def __init__(self, table: Path) -> None:
        self._birds = birds(table)
        self.scale_error = 0.0

    def request(self) -> dict[str, Any]:
        rows = [dict(bird) for bird in random.choices(self._birds, k=ROWS)]
        for row in rows:
            row["body_mass_g"] = None if row["body_mass_g"] is None else row["body_mass_g"] + self.scale_error
        return request_of(rows)

    def clients(self, kube: Kube, deployment: str, rate: float = 20) -> Clients:
        """Returns clients of the deployment's Service, once it is reached."""
        address = kube.address(deployment)
        return Clients(lambda: Drawn(address, deployment, self), rate)


class Drawn(Rest):
    """A connection whose every request is another one."""

    def __init__(self, address: tuple[str, int], model: str, flock: Flock) -> None:
        super().__init__(address, address[0], model, {})
        self._flock = flock

    def ask(self) -> str:
        self._body = self._flock.request()
        return super().ask()


def _inputs(row: dict[str, str]) -> dict[str, Any]:
    numbers = {name: float(row[name]) if row[name] else None for name in NUMBERS}
    return {name: row[name] for name in TEXTS} | numbers
