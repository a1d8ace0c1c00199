"""Finds the objects that use another one, which therefore is not deleted before they are."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.engine.resource import (
    BATCH_PREDICTIONS,
    DATASET_VERSIONS,
    MODEL_DEPLOYMENTS,
    MODEL_MONITORS,
    MODEL_VERSIONS,
    MODELS,
    SWEEPS,
    TRAINING_RUNS,
    WORKSPACES,
    Key,
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload.names import version_name
from modelyard.workload.run.ending import is_unfinished
from modelyard_api.installation import Installation

LINEAGE, READING, SCORING, MOUNTED, MADE = "lineage", "reading", "scoring", "mounted", "made of"
"""Indexes by DatasetVersion: of the ModelVersions whose lineage names it, of the unfinished runs that read it, of
the Workspaces where it lies (``MOUNTED``), and of the DatasetVersions that a query made of it (``MADE``). By
ModelVersion: of the unfinished BatchPredictions that score with it."""


def of_model(store: Store, model: Object) -> tuple[str, ...]:
    """Returns the ModelDeployments that serve any version of a Model, and the unfinished runs that score with one."""
    runs = store.find(BATCH_PREDICTIONS, "Model", f"{_namespace(model)}/{_name(model)}")
    served = [obj for obj in _deployments(store, model, _name(model)) if _served(obj)]
    return tuple(_text(obj) for obj in (*served, *(run for run in runs if _inputs(run).get("modelVersion"))))


def of_model_version(store: Store, version: Object) -> tuple[str, ...]:
    """Returns the ModelDeployments that serve a ModelVersion or roll it out, and the unfinished runs that score with
    it."""
    deployments = _deployments(store, version, version["spec"]["modelRef"]["name"])
    served = [obj for obj in deployments if _name(version) in _served(obj)]
    runs = store.find(BATCH_PREDICTIONS, SCORING, f"{_namespace(version)}/{_name(version)}")
    return tuple(_text(obj) for obj in (*served, *runs))


def of_pool(store: Store, pool: Object) -> tuple[str, ...]:
    """Returns the ModelDeployments whose requests a ModelPool answers."""
    members = store.find(MODEL_DEPLOYMENTS, "ModelPool", f"{_namespace(pool)}/{_name(pool)}")
    return tuple(_text(obj) for obj in members if (obj.get("status") or {}).get("pool") == _name(pool))


def of_dataset_version(store: Store, version: Object) -> tuple[str, ...]:
    """Returns the ModelVersions whose lineage names a DatasetVersion, the unfinished runs that read it, the
    Workspaces where it lies, the ModelMonitors that name it, and the DatasetVersions that a query made of it."""
    place = f"{_namespace(version)}/{_name(version)}"
    kinds = (TRAINING_RUNS, SWEEPS, BATCH_PREDICTIONS)
    runs = [run for kind in kinds for run in store.find(kind, READING, place)]
    others = [*store.find(WORKSPACES, MOUNTED, place), *store.find(MODEL_MONITORS, "DatasetVersion", place)]
    made = store.find(DATASET_VERSIONS, MADE, place)
    return tuple(_text(obj) for obj in (*runs, *others, *made, *store.find(MODEL_VERSIONS, LINEAGE, place)))


def of_dataset(store: Store, dataset: Object) -> tuple[str, ...]:
    """Returns what uses any version of a Dataset, since its versions end with it."""
    versions = store.owned(DATASET_VERSIONS, dataset)
    return tuple(dict.fromkeys(user for version in versions for user in of_dataset_version(store, version)))


def served_model(deployment: Object, _: Store) -> Iterable[Key]:
    """Returns the Model of which a ModelDeployment serves a version."""
    name = deployment["spec"]["modelRef"]["name"]
    return (Key(MODELS, _namespace(deployment), name),) if _served(deployment) else ()


def served_versions(deployment: Object, _: Store) -> Iterable[Key]:
    """Returns the ModelVersions that a ModelDeployment serves or rolls out."""
    return {Key(MODEL_VERSIONS, _namespace(deployment), name) for name in _served(deployment)}


def trained_on(version: Object, _: Store) -> Iterable[Key]:
    """Returns the DatasetVersion that the lineage of a ModelVersion names."""
    name = _lineage(version)
    return (Key(DATASET_VERSIONS, _namespace(version), name),) if name else ()


def read_by(run: Object, _: Store) -> Iterable[Key]:
    """Returns the DatasetVersion that an unfinished run reads, or a finished one has read."""
    name = _read(run)
    return (Key(DATASET_VERSIONS, _namespace(run), name),) if name else ()


def made_of(version: Object, _: Store) -> Iterable[Key]:
    """Returns the DatasetVersions of which a query made a DatasetVersion."""
    return [Key(DATASET_VERSIONS, _namespace(version), name) for name in _made_of(version)]


def mounted_by(workspace: Object, _: Store) -> Iterable[Key]:
    """Returns the DatasetVersions that lie in a Workspace."""
    return [Key(DATASET_VERSIONS, _namespace(workspace), name) for name in _mounted(workspace)]


def scored_with(run: Object, _: Store) -> Iterable[Key]:
    """Returns the ModelVersion that an unfinished BatchPrediction scores with, or a finished one has."""
    name = _inputs(run).get("modelVersion")
    return (Key(MODEL_VERSIONS, _namespace(run), name),) if name else ()


def by_lineage(version: Object, _: Installation) -> Iterable[str]:
    name = _lineage(version)
    return (f"{_namespace(version)}/{name}",) if name else ()


def by_reading(run: Object, _: Installation) -> Iterable[str]:
    name = _read(run)
    return (f"{_namespace(run)}/{name}",) if name and is_unfinished(run) else ()


def by_made(version: Object, _: Installation) -> Iterable[str]:
    return [f"{_namespace(version)}/{name}" for name in _made_of(version)]


def _made_of(version: Object) -> list[str]:
    return list(dict.fromkeys(item["version"] for item in version["spec"].get("inputs") or ()))


def by_mounted(workspace: Object, _: Installation) -> Iterable[str]:
    return [f"{_namespace(workspace)}/{name}" for name in _mounted(workspace)]


def _mounted(workspace: Object) -> list[str]:
    return [item["version"] for item in (workspace.get("status") or {}).get("datasets") or ()]


def by_scoring(run: Object, _: Installation) -> Iterable[str]:
    name = _inputs(run).get("modelVersion")
    return (f"{_namespace(run)}/{name}",) if name and is_unfinished(run) else ()


def _inputs(run: Object) -> Object:
    return (run.get("status") or {}).get("inputs") or {}


def _read(run: Object) -> str | None:
    return (run.get("status") or {}).get("datasetVersion") or _inputs(run).get("datasetVersion")


def _lineage(version: Object) -> str | None:
    return (version["spec"].get("lineage") or {}).get("datasetVersion")


def _deployments(store: Store, obj: Object, model: str) -> list[Object]:
    return store.find(MODEL_DEPLOYMENTS, "Model", f"{_namespace(obj)}/{model}")


def _served(deployment: Object) -> set[str]:
    status, model = deployment.get("status") or {}, deployment["spec"]["modelRef"]["name"]
    numbers = [status.get(key) for key in ("stable", "candidate")]
    return {version_name(model, number) for number in numbers if number} | set(status.get("packed") or ())


def _text(obj: Object) -> str:
    return f"{obj['kind']} {_name(obj)}"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _namespace(obj: Object) -> str:
    return str(obj["metadata"]["namespace"])
