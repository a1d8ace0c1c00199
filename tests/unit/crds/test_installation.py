"""Checks that the tracking server's pages have an address that a person can open."""

from __future__ import annotations

import pytest

from modelyard_api.installation import Installation

IN_CLUSTER = "http://modelyard-tracking.modelyard-system.svc:5000"


@pytest.mark.parametrize(
    ("given", "pages"),
    [
        ({}, "http://localhost:5000"),
        ({"trackingURL": IN_CLUSTER}, "http://localhost:5000"),
        ({"trackingURL": "http://mlflow.ml.svc.cluster.local"}, "http://localhost"),
        ({"trackingURL": "http://mlflow:5000"}, "http://localhost:5000"),
        ({"trackingURL": "https://mlflow.example.com"}, "https://mlflow.example.com"),
        ({"trackingURL": "http://10.1.2.3:5000"}, "http://10.1.2.3:5000"),
        ({"trackingURL": IN_CLUSTER, "trackingUIURL": "https://mlflow.example.com"}, "https://mlflow.example.com"),
    ],
)
def test_pages(given: dict[str, str], pages: str) -> None:
    assert Installation.model_validate(given).tracking_pages == pages
