"""A story: some objects that may refer to each other, how they are edited, how their pods end, when they are deleted.

A story is plain data, so that one that fails can be kept as a YAML file and played again:
``{objects: [{manifest, edits: [spec, ...], outcome, late: spec, gone: "early"?}], canaries: bool}``.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from modelyard_api import API_VERSION
from modelyard_api.kinds.registry import KINDS
from tests.harness.fuzz import documents, names, seeds
from tests.harness.fuzz.schema import Values, spec_of
from tests.kinds import SAMPLES

Story = dict[str, Any]
MOST = 12
"""The largest number of objects in one story."""
_values = Values(names.of)


@st.composite
def specs(draw: Any, kind: str) -> Any:
    """Draws mostly a good spec with a few changes, and sometimes any spec that the schema allows."""
    schema = spec_of(kind)
    if draw(st.integers(0, 9)) == 0:
        return _small(draw(_values.fits(schema)))
    spec = copy.deepcopy(draw(st.sampled_from(seeds.of(kind))))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3)))):
        spec = draw(_values.near(schema, spec))
    return _small(spec)


def _small(spec: Any) -> Any:
    """Limits the replicas, because the cluster has to simulate each pod."""
    if isinstance(spec, dict) and isinstance(spec.get("replicas"), int) and 3 < spec["replicas"] <= 1000:
        spec["replicas"] = 3
    return spec


@st.composite
def objects(draw: Any) -> Any:
    kind = draw(st.sampled_from(tuple(KINDS)))
    spec = draw(specs(kind))
    sample = SAMPLES[kind]
    manifest = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": draw(names.metadata(kind, spec)),
        "spec": spec,
    }
    entry: Story = {"manifest": manifest}
    if not sample.is_immutable and draw(st.booleans()):
        entry["edits"] = draw(st.lists(specs(kind), min_size=1, max_size=2))
    if sample.pod and draw(st.integers(0, 3)):
        entry["outcome"] = draw(documents.outcomes(sample.pod))
    if draw(st.integers(0, 4)) == 0:
        entry["late"] = draw(specs(kind))
    if draw(st.integers(0, 7)) == 0:
        entry["gone"] = "early"
    return entry


def stories() -> st.SearchStrategy[Story]:
    canaries = st.integers(0, 2).map(lambda number: number == 0)
    return st.fixed_dictionaries({"objects": st.lists(objects(), min_size=1, max_size=MOST), "canaries": canaries})
