"""Wires Sweeps into the engine."""

from __future__ import annotations

from modelyard.kinds.sweep.decide import decide
from modelyard.kinds.sweep.observe import observe
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.sweep import Sweep

WIRING = Wiring(Sweep, observe, decide)
