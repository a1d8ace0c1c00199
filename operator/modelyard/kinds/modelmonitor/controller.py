"""Wires ModelMonitors into the engine."""

from __future__ import annotations

from modelyard.kinds.modelmonitor.decide import decide
from modelyard.kinds.modelmonitor.observe import observe
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.modelmonitor import ModelMonitor

WIRING = Wiring(ModelMonitor, observe, decide)
