"""Wires ModelVersions into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import MODEL_DEPLOYMENTS, MODEL_VERSIONS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.modelversion.decide import decide
from modelyard.kinds.modelversion.observe import observe
from modelyard.workload.wiring import Wiring
from modelyard_api.kinds.modelversion import ModelVersion


def _is_unverified(version: Object) -> bool:
    return not kstatus.holds(version, "Verified")


def _damaged(deployment: Object, _: Store) -> Iterable[Key]:
    """Returns the versions that a ModelDeployment reports, or did before the change, as damaged."""
    entries = (deployment.get("status") or {}).get("damaged") or ()
    return {Key(MODEL_VERSIONS, deployment["metadata"]["namespace"], item["name"]) for item in entries}


WIRING = Wiring(
    ModelVersion,
    observe,
    decide,
    waits={"DatasetVersion": _is_unverified},
    wakes={MODEL_DEPLOYMENTS: _damaged},
)
