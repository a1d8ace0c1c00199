"""Wires ModelVersions into the engine."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine import conditions as kstatus
from modelyard.engine.resource import BATCH_PREDICTIONS, MODEL_DEPLOYMENTS, MODEL_VERSIONS, Key, Object
from modelyard.engine.store import Store
from modelyard.kinds.modelversion.decide import decide
from modelyard.kinds.modelversion.observe import observe
from modelyard.workload import users
from modelyard.workload.wiring import Wiring, waking
from modelyard_api.kinds.modelversion import ModelVersion


def _waits_for_data(version: Object) -> bool:
    """Whether the held-out rows are still needed: to score the version, or the champion that it is compared with."""
    comparison = (version.get("status") or {}).get("comparison") or {}
    return not kstatus.holds(version, "Verified") or "problem" in comparison


def _damaged(deployment: Object, _: Store) -> Iterable[Key]:
    """Returns the versions that a ModelDeployment reports, or did before the change, as damaged."""
    entries = (deployment.get("status") or {}).get("damaged") or ()
    return {Key(MODEL_VERSIONS, deployment["metadata"]["namespace"], item["name"]) for item in entries}


WIRING = Wiring(
    ModelVersion,
    observe,
    decide,
    waits={"DatasetVersion": _waits_for_data},
    wakes={
        MODEL_DEPLOYMENTS: waking(_damaged, users.served_versions),
        BATCH_PREDICTIONS: users.scored_with,
    },
    users=users.of_model_version,
    indexes={BATCH_PREDICTIONS: {users.SCORING: users.by_scoring}},
)
