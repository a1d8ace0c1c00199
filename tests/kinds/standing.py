"""The data that exists before a harness begins: a suspended Dataset, and its accepted version with its result."""

from __future__ import annotations

from modelyard_api.fields.artifact import RESULT_JSON
from tests.kinds import SAMPLES
from tests.kinds.datasetversion import DATA_URI, RESULT, SPEC, VERSION
from tests.kinds.sample import Object, placed


def data(namespace: str) -> list[Object]:
    dataset = SAMPLES["Dataset"].make({"target": SPEC["target"]}, SPEC["datasetRef"]["name"], namespace)
    return [dataset, SAMPLES["DatasetVersion"].make(SPEC, VERSION, namespace)]


def data_result(namespace: str) -> tuple[str, Object]:
    """Returns the URI and the document of the result from which the operator reads that the version is accepted."""
    return placed(f"{DATA_URI}/{RESULT_JSON}", namespace), placed(RESULT, namespace)
