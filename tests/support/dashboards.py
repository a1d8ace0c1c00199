"""Reads the Grafana dashboards, and the Prometheus queries of their panels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "manifests/dashboards"
BOARDS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
_RATE = "1m"


def board(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def queries(name: str, variables: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """Yields (panel's title, expression), with these values of the dashboard's variables."""
    values = {"__rate_interval": _RATE, **(variables or {})}
    for panel in board(name)["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for variable, value in values.items():
                expression = expression.replace(f"${variable}", value)
            yield panel["title"], expression
