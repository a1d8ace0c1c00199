"""Checks in which order a Dataset's versions stand, which tells what is newest and what goes first."""

from __future__ import annotations

import time
from itertools import permutations
from typing import Any

import pytest

from modelyard.engine.resource import Object
from modelyard.kinds.dataset.age import by_age


def version(name: str, second: int, parent: str | None = None) -> Object:
    meta = {"name": name, "creationTimestamp": f"2026-03-01T00:00:{second:02}Z"}
    return {"metadata": meta, "spec": {"parent": parent}}


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([], ""),
        ([("b", 1), ("a", 2)], "b a"),
        ([("b", 1), ("a", 1)], "a b"),
        ([("a", 1, "b"), ("b", 1)], "b a"),
        # A backup brought them back in another order than that in which they were made.
        ([("a", 1, "b"), ("b", 2, "c"), ("c", 3)], "c b a"),
        ([("a", 1, "b"), ("b", 5, "c"), ("c", 3)], "c b a"),
        # The source held the first one's rows again, and then others.
        ([("a", 1), ("b", 2, "a"), ("c", 3, "a")], "a b c"),
        # One without a child may be older than one with a child, which was rejected.
        ([("a", 1), ("b", 2, "a"), ("c", 3, "a"), ("d", 4, "c")], "a b c d"),
        # Their parents are gone.
        ([("a", 2, "x"), ("b", 1, "y")], "b a"),
        # The first was deleted, and made again after the others.
        ([("a", 3, "b"), ("b", 1, "a")], "b a"),
        ([("a", 4, "c"), ("b", 1, "a"), ("c", 2, "b"), ("d", 5, "a"), ("e", 3, "c")], "b c e a d"),
        ([("a", 1, "a"), ("b", 1, "a")], "a b"),
    ],
)
def test_no_version_is_older_than_its_parent(given: list[tuple[Any, ...]], order: str) -> None:
    versions = [version(*item) for item in given]
    for turned in permutations(versions):
        assert " ".join(item["metadata"]["name"] for item in by_age(turned)) == order


def test_a_long_line_is_followed_once() -> None:
    versions = [version(f"v{n:05}", 0, f"v{n - 1:05}" if n else None) for n in range(10_000)]
    began = time.process_time()
    assert by_age(versions[::-1]) == versions
    assert time.process_time() - began < 2
