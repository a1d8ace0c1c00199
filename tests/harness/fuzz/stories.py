"""A story: some objects that may refer to each other, how they are edited, how their pods end, when they are deleted.

Plain data, so that one that fails is a YAML file that can be told again:
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
"""Objects of one story."""
_values = Values(names.of)


@st.composite
def specs(draw: Any, kind: str) -> Any:
    """Mostly a good one with a few changes; sometimes anything that the schema allows."""
    schema = spec_of(kind)
    if draw(st.integers(0, 9)) == 0:
        return _small(draw(_values.fits(schema)))
    made = copy.deepcopy(draw(st.sampled_from(seeds.of(kind))))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3)))):
        made = draw(_values.near(schema, made))
    return _small(made)


def _small(spec: Any) -> Any:
    """Not a thousand pods, each of which a cluster has to play."""
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
    made: Story = {"manifest": manifest}
    if not sample.is_immutable and draw(st.booleans()):
        made["edits"] = draw(st.lists(specs(kind), min_size=1, max_size=2))
    if sample.pod and draw(st.integers(0, 3)):
        made["outcome"] = draw(documents.outcomes(sample.pod))
    if draw(st.integers(0, 4)) == 0:
        made["late"] = draw(specs(kind))
    if draw(st.integers(0, 7)) == 0:
        made["gone"] = "early"
    return made


def stories() -> st.SearchStrategy[Story]:
    canaries = st.integers(0, 2).map(lambda number: number == 0)
    return st.fixed_dictionaries({"objects": st.lists(objects(), min_size=1, max_size=MOST), "canaries": canaries})
