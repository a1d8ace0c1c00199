"""Wires Workspaces into the engine."""

from __future__ import annotations

from modelyard.kinds.workspace.decide import decide
from modelyard.kinds.workspace.observe import observe
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.workspace import Workspace

WIRING = Wiring(Workspace, observe, decide)
