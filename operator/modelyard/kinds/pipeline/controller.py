"""Wires Pipelines into the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelyard.engine.resource import DATASET_VERSIONS, PIPELINE_RUNS, PIPELINES, Key, Object, Resource
from modelyard.engine.store import Store
from modelyard.kinds.pipeline.decide import decide
from modelyard.kinds.pipeline.observe import OF_PIPELINE, observe
from modelyard.workload.wiring import Wake, Wiring, beside, named, waking
from modelyard_api.installation import Installation
from modelyard_api.kinds.pipeline import Pipeline
from modelyard_api.kinds.pipelinerun import PipelineRun
from modelyard_api.kinds.registry import KINDS

WATCHED = "watched"
"""Index of the Pipelines by what their triggers watch: ``<kind>/<namespace>/<name>``."""


def _watched(pipeline: Object, _: Installation) -> Iterable[str]:
    return dict.fromkeys(_all_watched(pipeline))


def _all_watched(pipeline: Object) -> Iterator[str]:
    for trigger in pipeline["spec"].get("triggers") or ():
        if dataset := trigger.get("dataset"):
            yield f"Dataset/{beside(pipeline, dataset['name'])}"
        if monitor := trigger.get("monitor"):
            yield f"ModelMonitor/{beside(pipeline, monitor['name'])}"
        if condition := trigger.get("condition"):
            yield f"{condition['kind']}/{beside(pipeline, condition['name'])}"


def _watching(kind: str) -> Wake:
    """Returns a Wake for the Pipelines with a trigger that watches the changed object, of this kind."""

    def wake(obj: Object, store: Store) -> Iterable[Key]:
        found = store.find(PIPELINES, WATCHED, f"{kind}/{beside(obj, obj['metadata']['name'])}")
        return [Key(PIPELINES, item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]

    return wake


def _of_dataset(version: Object, store: Store) -> Iterable[Key]:
    """Wakes the Pipelines that watch a version's Dataset: a version may become Ready after the Dataset names it."""
    found = store.find(PIPELINES, WATCHED, f"Dataset/{beside(version, version['spec']['datasetRef']['name'])}")
    return [Key(PIPELINES, item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]


def _of_pipeline(run: Object, _: Installation) -> Iterable[str]:
    return [beside(run, name) for name in PipelineRun.info.names(run, "Pipeline")]


WIRING = Wiring(
    Pipeline,
    observe,
    decide,
    wakes={
        **{Resource.of(kind): _watching(kind) for kind in KINDS},
        DATASET_VERSIONS: waking(_of_dataset, _watching("DatasetVersion")),
        # A run that a person applies has no label, but names its Pipeline.
        PIPELINE_RUNS: waking(named(PipelineRun, Pipeline), _watching("PipelineRun")),
    },
    indexes={PIPELINES: {WATCHED: _watched}, PIPELINE_RUNS: {OF_PIPELINE: _of_pipeline}},
)
