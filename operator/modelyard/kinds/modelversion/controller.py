"""Wires ModelVersions into the engine."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import Object
from modelyard.kinds.modelversion.decide import decide
from modelyard.kinds.modelversion.observe import observe
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.modelversion import ModelVersion


def _is_unverified(version: Object) -> bool:
    return not kstatus.holds(version, "Verified")


WIRING = Wiring(ModelVersion, observe, decide, waits={"DatasetVersion": _is_unverified})
