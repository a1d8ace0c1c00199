"""Checks who may ask for what."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_api.wire.rights import Rights
from modelyard_tracking.asked import Asked
from modelyard_tracking.rules import API, ARTIFACTS, Allow, Find, Put, Refuse, Run, Who, decide

OWN = "modelyard/team/0000-11"
RUN = "a" * 32
POD = Who("pod team/p", Rights(OWN, f"{OWN}/result.json", ("modelyard/team/d",), "modelyard/team/species", "0000-11"))
SERVES = Who("pod team/s", Rights(reads=("modelyard/team/m",)))
OPERATOR = Who("the operator", is_operator=True)
TAG = {"key": "modelyard.dev/uid", "value": "0000-11"}
FILTER = "tags.`modelyard.dev/uid` = '0000-11'"
FACTS = {
    Find("experiment", "7"): "modelyard/team/species",
    Find("experiment", "8"): "modelyard/other/species",
    Find("experiment", "9"): None,
    Find("run", RUN): Run("7", "0000-11"),
    Find("run", "b" * 32): Run("7", "0000-12"),
    Find("run", "c" * 32): Run("8", "0000-11"),
    Find("run", "d" * 32): Run("7", None),
    Find("run", "e" * 32): None,
}


def status(verdict: Any) -> int:
    return verdict.status if isinstance(verdict, Refuse) else 200


def file(method: str, path: str, who: Who | None, query: dict[str, str] | None = None) -> Any:
    return decide(Asked(method, f"{ARTIFACTS}/{path}", query or {}), who, {})


def call(route: str, body: dict[str, Any], who: Who | None = POD, method: str = "POST") -> Any:
    return decide(Asked(method, API + route, body=body), who, FACTS)


@pytest.mark.parametrize("path", ["/health", "/version"])
def test_anybody_asks_whether_it_is_healthy(path: str) -> None:
    assert decide(Asked("GET", path), None, {}) == Allow()
    assert status(decide(Asked("POST", path), None, {})) == 401
    assert status(decide(Asked("POST", path), POD, {})) == 403
    assert status(decide(Asked("GET", path, {"a": "b"}), None, {})) == 403


@pytest.mark.parametrize("path", [ARTIFACTS, f"{ARTIFACTS}/{OWN}/a", f"{API}runs/search", "/", "/graphql"])
def test_nobody_else_gets_in_without_a_token(path: str) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert status(decide(Asked(method, path), None, {})) == 401


@pytest.mark.parametrize(
    ("method", "path", "pod", "serves", "operator"),
    [
        ("GET", f"{OWN}/a", 200, 403, 200),
        ("GET", "modelyard/team/d/train.parquet", 200, 403, 200),
        ("GET", "modelyard/team/m/model.onnx", 403, 200, 200),
        ("GET", "modelyard/other/d/train.parquet", 403, 403, 200),
        ("GET", "modelyard/team", 403, 403, 200),
        ("PUT", f"{OWN}/a", 200, 403, 200),
        ("PUT", OWN, 403, 403, 200),
        ("PUT", "modelyard/team/d/train.parquet", 403, 403, 200),
        ("PUT", "modelyard/team/m/model.onnx", 403, 403, 200),
        ("PUT", "modelyard/x", 403, 403, 403),
        ("PUT", "1/artifacts/x", 403, 403, 403),
        ("DELETE", f"{OWN}/a", 403, 403, 200),
        ("DELETE", "modelyard/team", 403, 403, 403),
        ("DELETE", "modelyard", 403, 403, 403),
        ("POST", f"{OWN}/a", 403, 403, 403),
        ("PATCH", f"{OWN}/a", 403, 403, 403),
        ("HEAD", f"{OWN}/a", 403, 403, 403),
        ("OPTIONS", f"{OWN}/a", 403, 403, 403),
        ("GET", f"{OWN}/../../other/d", 403, 403, 403),
        ("GET", f"{OWN}//a", 403, 403, 403),
        ("GET", f"{OWN}/", 403, 403, 403),
        ("GET", f"{OWN}/a b", 403, 403, 403),
        ("GET", f"{OWN}/a\\b", 403, 403, 403),
        ("GET", "", 403, 403, 403),
    ],
)
def test_artifacts(method: str, path: str, pod: int, serves: int, operator: int) -> None:
    assert [status(file(method, path, who)) for who in (POD, SERVES, OPERATOR)] == [pod, serves, operator]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_artifacts_have_no_parameters(method: str) -> None:
    for who in (POD, OPERATOR):
        assert status(file(method, f"{OWN}/a", who, {"path": "x"})) == 403


def test_only_its_own_result_is_replaced() -> None:
    assert file("PUT", f"{OWN}/result.json", POD) == Put(f"{OWN}/result.json", replace=True)
    assert file("PUT", f"{OWN}/a", POD) == Put(f"{OWN}/a", replace=False)
    assert file("PUT", f"{OWN}/result.json", OPERATOR) == Put(f"{OWN}/result.json", replace=False)


@pytest.mark.parametrize(
    ("query", "pod", "serves", "operator"),
    [
        ({"path": OWN}, 200, 403, 200),
        ({"path": f"{OWN}/journal"}, 200, 403, 200),
        ({"path": "modelyard/team/m"}, 403, 200, 200),
        ({"path": "modelyard/team"}, 403, 403, 200),
        ({"path": ""}, 403, 403, 403),
        ({}, 403, 403, 403),
        ({"path": OWN, "page_token": "x"}, 403, 403, 403),
        ({"path": f"{OWN}/.."}, 403, 403, 403),
        ({"Path": OWN}, 403, 403, 403),
    ],
)
def test_listings(query: dict[str, str], pod: int, serves: int, operator: int) -> None:
    def verdicts(method: str) -> list[int]:
        return [status(decide(Asked(method, ARTIFACTS, query), who, {})) for who in (POD, SERVES, OPERATOR)]

    assert verdicts("GET") == [pod, serves, operator]
    assert verdicts("POST") == [403, 403, 403]


@pytest.mark.parametrize(
    ("query", "pod", "serves", "operator"),
    [
        ({"experiment_name": "modelyard/team/species"}, 200, 403, 200),
        ({"experiment_name": "modelyard/team/other"}, 403, 403, 200),
        ({"experiment_name": "modelyard/team/species", "x": "y"}, 403, 403, 403),
        ({"experimentName": "modelyard/team/species"}, 403, 403, 403),
        ({}, 403, 403, 403),
    ],
)
def test_experiments_by_name(query: dict[str, str], pod: int, serves: int, operator: int) -> None:
    asks = Asked("GET", f"{API}experiments/get-by-name", query)
    assert [status(decide(asks, who, {})) for who in (POD, SERVES, OPERATOR)] == [pod, serves, operator]


METRIC = {"key": "r2", "value": 0.5, "timestamp": 1, "step": 0}
GOOD = [
    ("experiments/create", {"name": "modelyard/team/species"}),
    ("experiments/restore", {"experiment_id": "7"}),
    ("runs/create", {"experiment_id": "7", "run_name": "r", "start_time": 1, "tags": [TAG]}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG | {"value": "0000-11-3"}]}),
    ("runs/search", {"experiment_ids": ["7"], "filter": FILTER, "max_results": 1}),
    ("runs/update", {"run_id": RUN, "status": "FINISHED", "end_time": 1}),
    ("runs/log-batch", {"run_id": RUN, "metrics": [METRIC], "params": [{"key": "a", "value": "b"}], "tags": []}),
    ("runs/log-batch", {"run_id": RUN, "tags": [{"key": "mlflow.parentRunId", "value": "x"}, TAG]}),
]
BAD = [
    ("experiments/create", {"name": "modelyard/other/species"}),
    ("experiments/create", {"name": "modelyard/team/species", "artifact_location": "file:/etc"}),
    ("experiments/create", {}),
    ("experiments/create", {"name": ["modelyard/team/species"]}),
    ("experiments/restore", {"experiment_id": "8"}),
    ("experiments/restore", {"experiment_id": "9"}),
    ("experiments/restore", {"experiment_id": "7", "experimentId": "8"}),
    ("runs/create", {"experiment_id": "7"}),
    ("runs/create", {"experiment_id": "7", "tags": []}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG | {"value": "0000-12"}]}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG, TAG | {"value": "0000-12"}]}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG, {"key": "mlflow.source.name", "value": "x"}]}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG | {"more": 1}]}),
    ("runs/create", {"experiment_id": "8", "tags": [TAG]}),
    ("runs/create", {"experiment_id": "7", "tags": [TAG], "user_id": "root"}),
    ("runs/search", {"experiment_ids": ["7"], "filter": ""}),
    ("runs/search", {"experiment_ids": ["7"]}),
    ("runs/search", {"experiment_ids": ["7", "8"], "filter": FILTER}),
    ("runs/search", {"experiment_ids": [], "filter": FILTER}),
    ("runs/search", {"experiment_ids": ["8"], "filter": FILTER}),
    ("runs/search", {"experiment_ids": ["7"], "filter": f"{FILTER} or 1 = 1"}),
    ("runs/search", {"experiment_ids": ["7"], "filter": FILTER.replace("11", "12")}),
    ("runs/search", {"experiment_ids": ["7"], "filter": FILTER, "run_view_type": "ALL"}),
    ("runs/update", {"run_id": "b" * 32, "status": "FAILED"}),
    ("runs/update", {"run_id": "c" * 32, "status": "FAILED"}),
    ("runs/update", {"run_id": "d" * 32, "status": "FAILED"}),
    ("runs/update", {"run_id": "e" * 32, "status": "FAILED"}),
    ("runs/update", {"run_id": RUN, "run_uuid": "b" * 32}),
    ("runs/update", {"run_uuid": RUN}),
    ("runs/update", {"run_id": RUN, "run_name": "x"}),
    ("runs/log-batch", {"run_id": "b" * 32, "metrics": []}),
    ("runs/log-batch", {"run_id": RUN, "tags": [TAG | {"value": "0000-12"}]}),
    ("runs/log-batch", {"run_id": RUN, "metrics": [METRIC | {"modelId": "x"}]}),
    ("runs/log-batch", {"run_id": RUN, "metrics": [METRIC | {"value": True}]}),
    ("runs/log-batch", {"run_id": "x/../y"}),
    ("runs/delete", {"run_id": RUN}),
    ("runs/log-metric", {"run_id": RUN}),
    ("experiments/delete", {"experiment_id": "7"}),
    ("experiments/search", {}),
]


@pytest.mark.parametrize(("route", "body"), GOOD)
def test_what_a_pod_may_ask_mlflow(route: str, body: dict[str, Any]) -> None:
    assert call(route, body) == Allow()
    assert status(call(route, body, SERVES)) == 403
    assert status(call(route, body, None)) == 401
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert status(call(route, body, method=method)) == 403


@pytest.mark.parametrize(("route", "body"), BAD)
def test_what_a_pod_may_not_ask_mlflow(route: str, body: dict[str, Any]) -> None:
    assert status(call(route, body)) == 403


def test_what_must_be_looked_up() -> None:
    asks = Asked("POST", f"{API}runs/update", body={"run_id": RUN, "status": "FAILED"})
    assert decide(asks, POD, {}) == Find("run", RUN)
    assert decide(asks, POD, {Find("run", RUN): Run("7", "0000-11")}) == Find("experiment", "7")


@pytest.mark.parametrize(("route", "body"), GOOD)
def test_the_operator_ends_runs_and_no_more(route: str, body: dict[str, Any]) -> None:
    assert status(call(route, body, OPERATOR)) == (200 if route in ("runs/search", "runs/update") else 403)
