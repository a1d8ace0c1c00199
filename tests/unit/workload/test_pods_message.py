"""Checks the sentence about the pods of a Deployment: true at any count."""

from __future__ import annotations

import pytest

from modelyard.workload.server import pods_message


@pytest.mark.parametrize(
    ("ready", "replicas", "updated", "sentence"),
    [
        (0, 3, 0, "0 of 3 pods are ready"),
        (2, 3, 3, "2 of 3 pods are ready"),
        (3, 3, 1, "3 of 3 pods are ready, but only 1 with the newest podTemplate"),
        (3, 3, 3, "3 of 3 pods are ready"),
        (4, 3, 3, "4 pods are ready, more than the 3 that are needed; the surplus is being stopped"),
        (1, 0, 0, "1 pod is ready, more than the 0 that are needed; the surplus is being stopped"),
    ],
)
def test_counts(ready: int, replicas: int, updated: int, sentence: str) -> None:
    assert pods_message(ready, replicas, updated) == sentence
