"""Samples of each kind for the tests: one file per kind, named like the kind's folder in ``modelyard.kinds``.

Contract tests, the fuzzer, the fault harness and unit tests use all of them. If a kind has no sample, importing this
package raises Incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from modelyard_api.kinds.registry import KINDS
from tests.kinds.sample import Sample


class Incomplete(Exception):
    """The sample of a kind is missing or incomplete; the message says what to add."""


def collected(kinds: Iterable[str] = KINDS) -> dict[str, Sample]:
    """Returns the sample of each kind. Raises Incomplete."""
    samples = {}
    for kind in kinds:
        module = f"{__name__}.{kind.lower()}"
        if find_spec(module) is None:
            raise Incomplete(
                f"{kind} has no {module.replace('.', '/')}.py: add one with SAMPLE = Sample({kind}, spec=...), the "
                "smallest good spec, with the cases of its CEL rules, a good result where it makes Jobs, and a story"
            )
        samples[kind] = checked(import_module(module).SAMPLE)
    return samples


def checked(sample: Sample) -> Sample:
    """Returns the sample itself. Raises Incomplete if it lacks a part."""
    info = sample.kind.info
    file = f"{__name__.replace('.', '/')}/{info.kind.lower()}.py"
    if info.runs and not sample.pod:
        raise Incomplete(f"{info.kind} makes Jobs: add pod=Pod(...) to {file}, with a good result of such a Job")
    if not sample.story:
        raise Incomplete(f"{info.kind} has no story: add story=(...) to {file}, what a person may write of it in time")
    return sample


SAMPLES = collected()
