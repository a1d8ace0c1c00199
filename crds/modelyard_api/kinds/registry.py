"""All kinds, in the order in which people meet them."""

from __future__ import annotations

from modelyard_api.fields.base import Kind
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.trainingrun import TrainingRun

KINDS: dict[str, type[Kind]] = {
    "Dataset": Dataset,
    "DatasetVersion": DatasetVersion,
    "TrainingRun": TrainingRun,
    "Model": ModelKind,
    "ModelVersion": ModelVersion,
    "ModelDeployment": ModelDeployment,
    "ModelPool": ModelPool,
}
