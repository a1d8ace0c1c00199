"""All kinds, in the order in which people meet them."""

from __future__ import annotations

from modelyard_api.fields.base import Kind
from modelyard_api.fields.builtin import BUILT_IN, ResourceType
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.trainingrun import TrainingRun

KINDS: dict[str, type[Kind]] = {
    kind.info.kind: kind
    for kind in (Dataset, DatasetVersion, TrainingRun, ModelKind, ModelVersion, ModelDeployment, ModelPool)
}
"""One file a kind: spec, status, and the facts that CRDs, RBAC and the operator's wiring are made from."""


def resource_type(kind: str) -> ResourceType:
    """The resource type of a kind of ours, or of one in ``BUILT_IN``. Raises KeyError with what to add."""
    if kind in KINDS:
        return KINDS[kind].info.resource
    if kind not in BUILT_IN:
        raise KeyError(f"{kind} is none of {', '.join((*KINDS, *BUILT_IN))}: add it to fields/builtin.py or to KINDS")
    return BUILT_IN[kind]
