"""The controllers, one folder per kind: its ``controller.py`` wires the kind into the engine."""

from __future__ import annotations

from importlib import import_module

from modelyard.workload.wiring import Controller
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS


def all_controllers(installation: Installation) -> list[Controller]:
    """Returns every controller of this installation. Raises ModuleNotFoundError for a kind without a folder."""
    folders = [import_module(f"{__name__}.{kind.lower()}.controller") for kind in KINDS]
    return [Controller(folder.WIRING, installation) for folder in folders]
