"""Good specs that generated objects start from: the samples', their stories', their rules' and the manifests'."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from modelyard_api.kinds.registry import KINDS
from tests.kinds import SAMPLES
from tests.kinds.sample import merged
from tests.localcluster.paths import REPO

Object = dict[str, Any]


@functools.cache
def of(kind: str) -> tuple[Object, ...]:
    """Specs of a kind that the API server accepts."""
    sample = SAMPLES[kind]
    base = sample.spec | ({"suspend": False} if "suspend" in sample.spec else {})
    made = [sample.spec, base, *(merged(base, change) for change in sample.story)]
    made += [merged(base, case.good) for case in sample.cases if case.good]
    made += [merged(base, change) for case in sample.updates for change in case.good if change]
    return (*made, *(one["spec"] for one in _examples() if one["kind"] == kind))


@functools.cache
def _examples() -> tuple[Object, ...]:
    files = sorted((REPO / "manifests" / "examples").rglob("*.yaml"))
    found = [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]
    return tuple(one for one in found if one.get("kind") in KINDS)
