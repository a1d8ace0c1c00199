"""Collects what a Pipeline's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, PIPELINE_RUNS, Object, Resource
from modelyard.engine.store import Store
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.pipeline import Pipeline
from modelyard_api.kinds.pipelinerun import PipelineRun
from modelyard_api.kinds.registry import KINDS

OF_PIPELINE = "of pipeline"
"""Index of the PipelineRuns by the Pipeline that they name."""


@dataclass(frozen=True)
class View:
    raw: Object
    pipeline: Pipeline
    runs: tuple[PipelineRun, ...]
    """All that name it, the oldest first."""
    own: frozenset[str]
    """The uids of those that it owns, because its triggers have started them."""
    watched: dict[str, Object | None]
    """The object that a trigger watches, by the trigger's name."""
    versions: dict[str, tuple[Object, ...]]
    """The versions of the Dataset that a trigger watches, by the trigger's name."""


def observe(store: Store, raw: Object, _: Installation) -> View:
    pipeline = Pipeline.model_validate(raw)
    namespace = pipeline.namespace
    watched: dict[str, Object | None] = {}
    versions: dict[str, tuple[Object, ...]] = {}
    for trigger in pipeline.spec.triggers:
        if trigger.dataset:
            dataset = store.get(DATASETS, namespace, trigger.dataset.name)
            watched[trigger.name] = dataset
            versions[trigger.name] = tuple(store.owned(DATASET_VERSIONS, dataset) if dataset else ())
        elif (condition := trigger.watched_condition) and condition.kind in KINDS:
            watched[trigger.name] = store.get(Resource.of(condition.kind), namespace, condition.name)
    runs = store.find(PIPELINE_RUNS, OF_PIPELINE, f"{namespace}/{pipeline.name}")
    return View(
        raw=raw,
        pipeline=pipeline,
        runs=tuple(sorted(map(PipelineRun.model_validate, runs), key=_age)),
        own=frozenset(run["metadata"]["uid"] for run in runs if owned_by(run, raw)),
        watched=watched,
        versions=versions,
    )


def _age(run: PipelineRun) -> tuple[str, str]:
    return str(run.metadata.get("creationTimestamp")), run.name
