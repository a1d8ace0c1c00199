"""Walks the real app's routes. A pod gets to none but those of a short list, so that no update of MLflow opens one."""

from __future__ import annotations

import json

import pytest

from modelyard_tracking.rules import UNKNOWN
from tests.unit.tracking.conftest import Client, World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")
MLFLOW, STORE = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
ANYBODY = {("GET", "/health"), ("GET", "/version")}
PODS = {
    ("GET", f"{MLFLOW}/experiments/get-by-name"),
    *(("POST", f"{MLFLOW}/experiments/{call}") for call in ("create", "restore")),
    *(("POST", f"{MLFLOW}/runs/{call}") for call in ("create", "search", "update", "log-batch")),
}
"""What rules of its own decide on, by who asks and for what; so do those below STORE."""


@pytest.fixture(scope="module")
def routes(world: World) -> list[str]:
    found: list[str] = json.loads((world.folder / "routes.json").read_text())
    return found


def test_the_walk_sees_all_of_mlflow(routes: list[str]) -> None:
    assert len(routes) > 300
    for part in ("graphql", "ajax-api", "webhooks", "gateway", "traces", "static-files", "mlflow-artifacts", "prompt"):
        assert any(part in path for path in routes), part
    assert {path for _, path in PODS | ANYBODY} <= set(routes)


def _answers(client: Client, routes: list[str]) -> dict[tuple[str, str], tuple[int, bytes]]:
    def ask(method: str, path: str) -> tuple[int, bytes]:
        answer = client.send(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
        return answer.status, answer.body

    return {(method, path): ask(method, path) for path in routes for method in METHODS}


def test_without_a_token_nothing_but_health_and_version_answers(world: World, routes: list[str]) -> None:
    answers = _answers(world.nobody(), routes)
    assert {key for key, (status, _) in answers.items() if status != 401} == ANYBODY


def test_a_pod_gets_to_the_short_list_alone(world: World, routes: list[str]) -> None:
    answers = _answers(world.pod("walks"), routes)
    assert {key for key, (status, _) in answers.items() if status != 403} == ANYBODY
    # A refusal of another kind than "unknown route" comes from a rule of its own.
    judged = {key for key, (_, body) in answers.items() if body and UNKNOWN.why.encode() not in body} - ANYBODY
    assert {key for key in judged if not key[1].startswith(STORE)} == PODS


def test_the_operator_gets_to_no_more(world: World, routes: list[str]) -> None:
    answers = _answers(world.operator(), [path for path in routes if not path.startswith(STORE)])
    assert {key for key, (status, _) in answers.items() if status != 403} == ANYBODY
