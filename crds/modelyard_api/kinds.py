"""All kinds, in the order in which people meet them."""

from __future__ import annotations

from modelyard_api.base import Kind
from modelyard_api.dataset import Dataset
from modelyard_api.datasetversion import DatasetVersion
from modelyard_api.model import ModelKind
from modelyard_api.modeldeployment import ModelDeployment
from modelyard_api.modelpool import ModelPool
from modelyard_api.modelversion import ModelVersion
from modelyard_api.trainingrun import TrainingRun

KINDS: dict[str, type[Kind]] = {
    "Dataset": Dataset,
    "DatasetVersion": DatasetVersion,
    "TrainingRun": TrainingRun,
    "Model": ModelKind,
    "ModelVersion": ModelVersion,
    "ModelDeployment": ModelDeployment,
    "ModelPool": ModelPool,
}
