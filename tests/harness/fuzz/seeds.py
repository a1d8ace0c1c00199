"""Collects the good specs that generated objects start from, out of the samples, their stories and rules, and the
example manifests."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from modelyard_api.kinds.registry import KINDS
from tests.kinds import SAMPLES
from tests.kinds.sample import merged
from tests.support import examples

Object = dict[str, Any]


@functools.cache
def of(kind: str) -> tuple[Object, ...]:
    """Returns specs of a kind that the API server accepts."""
    sample = SAMPLES[kind]
    base = sample.spec | ({"suspend": False} if "suspend" in sample.spec else {})
    specs = [sample.spec, base, *(merged(base, change) for change in sample.story)]
    specs += [merged(base, case.good) for case in sample.cases if case.good]
    specs += [merged(base, change) for case in sample.updates for change in case.good if change]
    return (*specs, *(example["spec"] for example in _examples() if example["kind"] == kind))


@functools.cache
def _examples() -> tuple[Object, ...]:
    texts = map(examples.text, examples.FILES)
    documents = [document for text in texts for document in yaml.safe_load_all(text) if document]
    return tuple(document for document in documents if document.get("kind") in KINDS)
