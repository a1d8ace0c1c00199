"""Checks the sentence about the pods of a Deployment: true at any count."""

from __future__ import annotations

import pytest

from modelyard.workload.server import ready_pods


@pytest.mark.parametrize(
    ("ready", "replicas", "older", "sentence"),
    [
        (0, 3, 0, "0 of 3 pods are ready"),
        (2, 3, 0, "2 of 3 pods are ready"),
        (3, 3, 2, "3 of 3 pods are ready, but 2 pods have an earlier podTemplate"),
        (3, 3, 0, "3 of 3 pods are ready"),
        (4, 3, 0, "4 pods are ready, more than the 3 that are needed; the surplus is being stopped"),
        (1, 0, 0, "1 pod is ready, more than the 0 that are needed; the surplus is being stopped"),
    ],
)
def test_counts(ready: int, replicas: int, older: int, sentence: str) -> None:
    assert ready_pods(ready, replicas, older) == sentence
