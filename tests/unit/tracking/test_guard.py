"""Checks the guard before the real MLflow: what pods of several namespaces, the operator and people get."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import pytest

from modelyard_api.wire.report import SCRIPT
from tests.unit.tracking.conftest import World
from tests.unit.tracking.tokens import OPERATOR, made

STORE = "/api/2.0/mlflow-artifacts/artifacts"


def test_people_see_all_in_the_servers_own_pod(world: World) -> None:
    person = world.person()
    assert person.send("GET", "/").status == 200
    assert person.send("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 5}).status == 200
    for data in (b"a", b"b"):
        assert person.file("PUT", "modelyard/team/people/a", data).status == 200
    assert person.file("GET", "modelyard/team/people/a").body == b"b"


def test_people_see_a_report_in_a_browser_that_lets_it_do_nothing(world: World) -> None:
    """A pod may write anything as a report; whoever looks at it has all rights in MLflow."""
    path = "modelyard/team/reports/x/report.html"
    assert world.pod("reports").file("PUT", path, b"<script>fetch('/api')</script>").status == 200
    answer = world.person().file("GET", path)
    assert (answer.status, answer.body) == (200, b"<script>fetch('/api')</script>")
    assert answer.headers.get_all("Content-Type") == ["text/html; charset=utf-8"]
    assert answer.headers.get_all("Content-Disposition") == ["inline"]
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["sandbox allow-scripts", "default-src 'none'"]
    assert f"script-src {SCRIPT}" in policy


@pytest.mark.parametrize("name", ["report.htm", "page.html", "xreport.html", "report.html/b.html"])
def test_no_other_file_is_shown(world: World, name: str) -> None:
    path = f"modelyard/team/shown/{name}"
    assert world.person().file("PUT", path, b"<b>").status == 200
    assert world.person().file("GET", path).headers["Content-Disposition"].startswith("attachment")


def test_pods_get_a_report_as_any_file(world: World) -> None:
    pod = world.pod("raw")
    assert pod.file("PUT", "modelyard/team/raw/report.html", b"<b>").status == 200
    assert "Content-Security-Policy" not in pod.file("GET", "modelyard/team/raw/report.html").headers
    assert pod.file("GET", "modelyard/team/raw/none/report.html").status == 404


def test_headers_don_t_move_a_client_into_the_pod(world: World) -> None:
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"):
        value = "for=127.0.0.1" if name == "Forwarded" else "127.0.0.1"
        assert world.nobody().send("GET", "/api/2.0/mlflow/experiments/search", **{name: value}).status == 401


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override"])
def test_no_header_makes_a_delete_of_a_get(world: World, header: str) -> None:
    pod = world.pod("override")
    assert pod.file("PUT", "modelyard/team/override/a", b"a").status == 200
    assert pod.send("GET", f"{STORE}/modelyard/team/override/a", **{header: "DELETE"}).status == 400
    assert pod.file("GET", "modelyard/team/override/a").body == b"a"


def test_a_pod_reads_lists_and_writes_its_own(world: World) -> None:
    pod, other = world.pod("reads"), world.pod("reads", namespace="other")
    for path in ("a", "b/c"):
        assert pod.file("PUT", f"modelyard/team/reads/{path}", b"bytes").status == 200
    assert pod.file("GET", "modelyard/team/reads/b/c").body == b"bytes"
    listed = pod.send("GET", f"{STORE}?path=modelyard/team/reads").document["files"]
    assert [item["path"] for item in listed] == ["a", "b"]
    missing = pod.file("GET", "modelyard/team/reads/nothing")
    assert (missing.status, missing.document["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert other.file("GET", "modelyard/team/reads/a").status == 403
    assert other.file("PUT", "modelyard/team/reads/d", b"x").status == 403
    for path in ("modelyard/team/reads", "modelyard/team", "modelyard"):
        assert other.send("GET", f"{STORE}?path={path}").status == 403


def test_the_operator_alone_deletes(world: World) -> None:
    pod, operator = world.pod("deletes"), world.operator()
    for name in ("a", "b"):
        assert pod.file("PUT", f"modelyard/team/deletes/{name}", b"bytes").status == 200
    refused = pod.file("DELETE", "modelyard/team/deletes/a")
    assert (refused.status, refused.document["error_code"]) == (403, "PERMISSION_DENIED")
    assert operator.file("GET", "modelyard/team/deletes/a").body == b"bytes"
    assert operator.file("DELETE", "modelyard/team/deletes/b").status == 200
    assert operator.file("GET", "modelyard/team/deletes/b").status == 404
    assert operator.file("GET", "modelyard/team/deletes/a").body == b"bytes"
    assert operator.file("DELETE", "modelyard/team/deletes").status == 200
    assert operator.file("GET", "modelyard/team/deletes/a").status == 404


TRICKS = [
    "modelyard/team/tricks/../../other/uid/a",
    "modelyard/team/tricks/%2e%2e/%2e%2e/other/uid/a",
    "modelyard/team/tricks/..%2f..%2fother%2fuid%2fa",
    "modelyard/team/tricks/%252e%252e/%252e%252e/other/uid/a",
    "modelyard/team/tricks/..%5c..%5cother",
    "modelyard/team/tricks//../../other/uid/a",
    "/modelyard/other/uid/a",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "modelyard/team/tricks/./../../other/uid/a",
    "modelyard/other/uid/a",
    "modelyard/other/uid/a?path=modelyard/team/tricks/a",
    "modelyard/other/uid/a#/modelyard/team/tricks/a",
    "modelyard/team/tricks/a;/../../../other/uid/a",
    "modelyard/team/tricks/a%00",
    "modelyard/team/tricks/a\t",
]


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_elsewhere(world: World, method: str, path: str) -> None:
    world.person().file("PUT", "modelyard/other/uid/a", b"secret")
    status, body = _raw(world, method, f"{STORE}/{path}")
    assert status in (400, 403)
    assert b"secret" not in body
    assert world.person().file("GET", "modelyard/other/uid/a").body == b"secret"


@pytest.mark.parametrize("target", ["http://localhost{path}", "//localhost{path}", "*", "{path}/../x", "/a/..{path}"])
def test_no_other_form_of_target_leads_there(world: World, target: str) -> None:
    world.person().file("PUT", "modelyard/other/uid/a", b"secret")
    status, body = _raw(world, "GET", target.format(path=f"{STORE}/modelyard/other/uid/a"))
    assert status in (400, 403)
    assert b"secret" not in body


def _raw(world: World, method: str, target: str) -> tuple[int, bytes]:
    """Sends a request line as it is: clients of HTTP would clean it up."""
    token = world.pod("tricks").token
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 1\r\n\r\nx"
    )
    with socket.create_connection((world.nobody().host, world.port), timeout=60) as sock:
        sock.sendall(head.encode())
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    "authorization", ["Basic b3BlcmF0b3I6", "Bearer", "Bearer a.b.c", f"Bearer {made(OPERATOR, aud=['https://x'])}"]
)
def test_what_is_no_token(world: World, authorization: str) -> None:
    answer = world.nobody().send("GET", f"{STORE}/modelyard/team/a", Authorization=authorization)
    assert answer.status in (400, 401)


def test_web_sockets_are_refused(world: World) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    answer = world.pod("ws").send("GET", "/", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==", **headers)
    assert answer.status == 403


def _tags(uid: str) -> list[dict[str, str]]:
    return [{"key": "modelyard.dev/uid", "value": uid}]


def test_a_pod_logs_its_own_runs(world: World) -> None:
    pod, beside, other = world.pod("u1"), world.pod("u2"), world.pod("u1", namespace="other")
    name = "modelyard/team/species"
    experiment = pod.call("experiments/create", {"name": name}).document["experiment_id"]
    shown = pod.send("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=modelyard%2Fteam%2Fspecies")
    assert shown.document["experiment"]["experiment_id"] == experiment
    create: dict[str, Any] = {"experiment_id": experiment, "run_name": "r", "start_time": 1}
    run = pod.call("runs/create", create | {"tags": _tags("u1")}).document["run"]["info"]["run_id"]
    trial = pod.call("runs/create", create | {"tags": _tags("u1-3")}).document["run"]["info"]["run_id"]
    metric = {"key": "r2", "value": 0.5, "timestamp": 1, "step": 0}
    search = {"experiment_ids": [experiment], "filter": "tags.`modelyard.dev/uid` = 'u1'", "max_results": 1}
    for mine in (run, trial):
        batch = {"run_id": mine, "metrics": [metric], "params": [{"key": "a", "value": "b"}], "tags": _tags("u1")}
        assert pod.call("runs/log-batch", batch | {"tags": []}).status == 200
        assert pod.call("runs/update", {"run_id": mine, "status": "FINISHED", "end_time": 2}).status == 200
        for stranger in (beside, other):
            assert stranger.call("runs/update", {"run_id": mine, "status": "FAILED"}).status == 403
            assert stranger.call("runs/log-batch", batch).status == 403
            assert stranger.call("runs/search", search).status == 403
    (seen,) = pod.call("runs/search", search).document["runs"]
    assert (seen["info"]["run_id"], seen["info"]["status"]) == (run, "FINISHED")
    assert seen["data"]["metrics"][0]["value"] == 0.5
    assert other.call("runs/create", create | {"tags": _tags("u1")}).status == 403
    assert beside.call("runs/create", create | {"tags": _tags("u1")}).status == 403
    assert other.call("experiments/restore", {"experiment_id": experiment}).status == 403
    for spelling in ({"run_id": run, "runId": trial}, {"run_uuid": run}, {"runId": run}):
        assert pod.call("runs/update", spelling | {"status": "FAILED"}).status == 403
    assert world.operator().call("runs/update", {"run_id": run, "status": "KILLED", "end_time": 3}).status == 200


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (b'{"run_id": "%s", "run_id": "b"}' % (b"a" * 32), "application/json"),
        (b'{"run_id": "a"}', "text/plain"),
        (b'"{\\"run_id\\": \\"a\\"}"', "application/json"),
        (b"run_id=a", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
    ],
)
def test_bodies_that_are_not_read(world: World, body: bytes, type_: str) -> None:
    answer = world.pod("u1").send("POST", "/api/2.0/mlflow/runs/update", body, Content_Type=type_)
    assert answer.status == 400


def test_a_body_has_a_bound(world: World) -> None:
    answer = world.pod("u1").call("runs/log-batch", {"run_id": "a" * 1_100_000})
    assert answer.status == 413


def test_refusals_are_logged_and_no_token_is(world: World) -> None:
    pod = world.pod("logged")
    assert pod.file("GET", "modelyard/other/uid/a").status == 403
    text = (world.folder / "tracking.log").read_text()
    assert "refused with 401" in text or "refused with 403" in text
    for token in (pod.token, world.operator().token):
        assert token is not None
        assert token.split(".")[1] not in text
