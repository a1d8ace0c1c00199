"""The versions that a Dataset's query reads: each time the latest accepted ones of the Datasets that it names."""

from __future__ import annotations

from modelyard.kinds.dataset.observe import View
from modelyard.workload import data, references
from modelyard.workload.conclude import Fails, Trouble
from modelyard.workload.names import short_hash
from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.wire.task import Input

FIELD = "spec.source.query.from"


def resolve(view: View) -> list[Input]:
    """Returns what the query reads now. Raises Waits until every Dataset has an accepted version, and Fails for what a
    person must correct: a Dataset that reads itself by way of others would be made anew for ever."""
    assert view.dataset.spec.source.query is not None
    if view.cycle:
        path = " reads ".join(view.cycle)
        raise Fails(Trouble("QueryCycle", f"{FIELD}: {path}; name Datasets that don't read this one"))
    return [_input(given.name, given.dataset_ref.name, view) for given in view.dataset.spec.source.query.from_]


def version_of(inputs: list[Input]) -> str:
    """Returns what identifies the versions that a query reads."""
    return short_hash(*(part for given in inputs for part in (given.name, given.version, given.digest)), length=32)


def _input(name: str, dataset: str, view: View) -> Input:
    found, latest = view.read.get(dataset, (None, None))
    version = references.dataset_version(dataset, None, found, latest, f"{FIELD}[{name}].datasetRef")
    spec = DatasetVersionSpec.model_validate(version["spec"])
    place = {"version": version["metadata"]["name"], "digest": spec.digest, "uri": data.uri_of(version)}
    return Input(name=name, dataset=dataset, files=spec.files, **place)
