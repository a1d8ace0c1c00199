from __future__ import annotations

import pytest

from modelyard.engine.process import Times
from modelyard.main import BadInstallation, parse_installation, times
from modelyard_api.installation import Installation

WHERE = "ConfigMap modelyard-system/modelyard"


@pytest.mark.parametrize("data", [{}, {"installation.yaml": ""}, {"installation.yaml": "{}"}])
def test_everything_has_a_default(data: dict[str, str]) -> None:
    assert parse_installation(data, WHERE) == Installation()


def test_fields_are_read() -> None:
    installation = parse_installation(
        {"installation.yaml": "trackingURL: http://mlflow:5000\nnamespaces: [a, b]\n"}, WHERE
    )
    assert installation.tracking_url == "http://mlflow:5000"
    assert installation.namespaces == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("trackingURL: ftp://x", "trackingURL: .*pattern.*not 'ftp://x'"),
        ("trackingUrl: http://x", "trackingUrl: Extra inputs"),
        ("namespaces: all", "namespaces: .*list.*not 'all'"),
        ("- a", "document: "),
        ("a: [", "not YAML"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(BadInstallation, match=f"{WHERE}, key installation.yaml: .*{says}"):
        parse_installation({"installation.yaml": text}, WHERE)


def test_times_are_for_tests_to_shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times() == Times()
    monkeypatch.setenv("LEASE_SECONDS", "3")
    monkeypatch.setenv("SILENCE_SECONDS", "0.5")
    assert times() == Times(lease=3, silence=0.5)
