"""The controllers, one folder per kind: its ``controller.py`` wires the kind into the engine."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from modelyard.workload.wiring import Controller
from modelyard_api.installation import Installation
from modelyard_api.kinds.registry import KINDS


def all_controllers(installation: Installation) -> list[Controller]:
    """Returns every controller of this installation. Raises ModuleNotFoundError for a kind without a folder."""
    return [Controller(module.WIRING, installation) for module in modules()]


def modules() -> list[ModuleType]:
    """Returns the module ``controller`` of every kind, which is imported now if it is not yet."""
    return [import_module(f"{__name__}.{kind.lower()}.controller") for kind in KINDS]
