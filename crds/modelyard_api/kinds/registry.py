"""All kinds, in the order in which people use them."""

from __future__ import annotations

from modelyard_api.fields.base import Kind
from modelyard_api.fields.builtin import BUILT_IN, ResourceType
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelmonitor import ModelMonitor
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.pipeline import Pipeline
from modelyard_api.kinds.pipelinerun import PipelineRun
from modelyard_api.kinds.pipelinesource import PipelineSource
from modelyard_api.kinds.sweep import Sweep
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.kinds.workspace import Workspace

KINDS: dict[str, type[Kind]] = {
    kind.info.kind: kind
    for kind in (
        Dataset,
        DatasetVersion,
        TrainingRun,
        Sweep,
        ModelKind,
        ModelVersion,
        ModelDeployment,
        ModelPool,
        ModelMonitor,
        BatchPrediction,
        Pipeline,
        PipelineRun,
        PipelineSource,
        Workspace,
    )
}
"""Kind -> its class, with spec, status, and the facts from which CRDs, RBAC and the operator's wiring are derived."""

DELIVERED = tuple(name for name, kind in KINDS.items() if kind.info.people == "Edit" and kind is not PipelineSource)
"""Kinds that a PipelineSource may deliver: those that people write, but no further sources."""


def resource_type(kind: str) -> ResourceType:
    """Returns the resource type of one of our kinds or of ``BUILT_IN``. Raises KeyError, which says what to add."""
    if kind in KINDS:
        return KINDS[kind].info.resource
    if kind not in BUILT_IN:
        raise KeyError(f"{kind} is none of {', '.join((*KINDS, *BUILT_IN))}: add it to fields/builtin.py or to KINDS")
    return BUILT_IN[kind]
