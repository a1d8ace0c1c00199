"""Collects what a PipelineRun's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import JOBS, PIPELINES, Object, Resource
from modelyard.engine.store import Store
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.pipeline import STEP_OBJECTS
from modelyard_api.kinds.pipelinerun import PipelineRun


@dataclass(frozen=True)
class View:
    raw: Object
    run: PipelineRun
    installation: Installation
    pipeline: Object | None
    children: dict[tuple[str, str], Object]
    """What the run owns, by kind and name."""

    def child(self, kind: str, name: str) -> Object | None:
        return self.children.get((kind, name))


def observe(store: Store, raw: Object, installation: Installation) -> View:
    run = PipelineRun.model_validate(raw)
    owned = (
        ((resource.kind, child["metadata"]["name"]), child)
        for resource in (JOBS, *map(Resource.of, STEP_OBJECTS))
        for child in store.owned(resource, raw)
        if owned_by(child, raw)
    )
    return View(
        raw=raw,
        run=run,
        installation=installation,
        pipeline=store.get(PIPELINES, run.namespace, run.spec.pipeline_ref.name),
        children=dict(owned),
    )
