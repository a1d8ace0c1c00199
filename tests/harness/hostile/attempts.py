"""The attempts: what is asked of whom, and by what it is stopped.

``{...}`` in an address, a path, a header or a body are filled in by the test: the victim's addresses and ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

REFUSED = (401, 403)
UNKNOWN = (400, 401)
ABSENT = (404, 405, 501)
NO_ANSWER = 0
"""The outcome of an attempt that got no HTTP answer: no connection, or one that was closed."""

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
MLFLOW = "/api/2.0/mlflow"
GUARD = "the tracking server's guard"
PODS_OWN = "Bearer {own_token}"
"""The hostile pod's own token, as one gets it who may create pods in its namespace: containers of users have none."""


@dataclass(frozen=True)
class Attempt:
    """``expected`` are the HTTP codes that count as refused; NO_ANSWER is one of them where nothing may answer."""

    what: str
    stopped_by: str
    method: str = "GET"
    to: str = "{tracking}"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    expected: tuple[int, ...] = REFUSED
    raw: str | None = None
    """Bytes that are sent as they are, instead of a request made of the others."""
    file: str | None = None
    """A pattern of files, none of which may exist, instead of a request."""


def _with(token: str, **attempt: Any) -> Attempt:
    return Attempt(headers={"Authorization": token}, **attempt)


def _both(what: str, path: str, method: str = "GET", body: Any = None) -> tuple[Attempt, Attempt]:
    """Returns the attempt without a token and with the pod's own."""
    by = f"{GUARD}: no identity; a pod's rights are what its task names"
    return (
        Attempt(f"{what}, without a token", by, method, path=path, body=body, expected=(401,)),
        Attempt(f"{what}, with a token of its own pod", by, method, path=path, body=body, expected=(403,),
                headers={"Authorization": PODS_OWN}),
    )  # fmt: skip


READS = (
    *_both("list all artifacts", f"{ARTIFACTS}?path="),
    *_both("list the namespaces", f"{ARTIFACTS}?path=modelyard"),
    *_both("list another namespace's artifacts", f"{ARTIFACTS}?path=modelyard/{{victim}}"),
    *_both("read another namespace's data", f"{ARTIFACTS}/{{data}}/train.parquet"),
    *_both("read another namespace's model", f"{ARTIFACTS}/{{model}}/model.json"),
    *_both("read another namespace's result", f"{ARTIFACTS}/{{result}}"),
    *_both("read through the pages' own route", "/get-artifact?path=model.json&run_uuid={run}"),
    *_both("read by a run's artifact list", f"{MLFLOW}/artifacts/list?run_id={{run}}"),
)
WRITES = (
    *_both("overwrite another run's result", f"{ARTIFACTS}/{{result}}", "PUT", "forged"),
    *_both("overwrite a served model", f"{ARTIFACTS}/{{model}}/model.json", "PUT", "forged"),
    *_both("leave a file in another namespace", f"{ARTIFACTS}/modelyard/{{victim}}/x/y", "PUT", "x"),
    *_both("leave a file outside of every namespace", f"{ARTIFACTS}/elsewhere/x", "PUT", "x"),
    *_both("upload through the pages' own route", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=x", "POST"),
    *_both("upload in parts", "/api/2.0/mlflow-artifacts/mpu/create/{model}/x", "POST", {"path": "x", "num_parts": 1}),
    *_both("delete a served model", f"{ARTIFACTS}/{{model}}", "DELETE"),
    *_both("delete all that a namespace has", f"{ARTIFACTS}/modelyard/{{victim}}", "DELETE"),
    _with(PODS_OWN, what="delete what its own namespace has", stopped_by="only the operator deletes", method="DELETE",
          path=f"{ARTIFACTS}/{{own_data}}", expected=(403,)),
    _with(PODS_OWN, what="overwrite the data of its own namespace", stopped_by="a pod writes its own outputs alone",
          method="PUT", path=f"{ARTIFACTS}/{{own_data}}/train.parquet", body="forged", expected=(403,)),
    Attempt("forge the result of its own run", f"{GUARD}: a container of the user's has no token", "PUT",
            path=f"{ARTIFACTS}/{{own_result}}", body={"kind": "Train", "metrics": {"accuracy": 1}}, expected=(401,)),
)  # fmt: skip
PATHS = tuple(
    Attempt(f"get there by {what}", f"{GUARD}: only plain names are paths", path=path,
            headers={"Authorization": PODS_OWN}, expected=(400, 401, 403, 404))
    for what, path in (
        ("'..' in the path", f"{ARTIFACTS}/modelyard/{{own}}/../{{victim}}/x"),
        ("an encoded '..'", f"{ARTIFACTS}/modelyard/{{own}}/%2e%2e/%2e%2e/{{data}}/train.parquet"),
        ("a '..' that is encoded twice", f"{ARTIFACTS}/modelyard/{{own}}/%252e%252e/{{victim}}/x"),
        ("an encoded slash", f"{ARTIFACTS}/modelyard/{{own}}%2f..%2f{{victim}}/x"),
        ("a backslash", f"{ARTIFACTS}/modelyard/{{own}}\\..\\{{victim}}/x"),
        ("empty parts", f"{ARTIFACTS}//{{data}}/train.parquet"),
        ("a path of the disk", f"{ARTIFACTS}/%2fetc%2fpasswd"),
        ("a second path of the query", f"{ARTIFACTS}?path=modelyard/{{own}}&path=modelyard/{{victim}}"),
    )
)  # fmt: skip
LIES = tuple(
    Attempt(f"pretend to come from the pod itself by {name}", f"{GUARD} looks at the connection alone",
            path=f"{ARTIFACTS}/{{result}}", headers={name: value}, expected=(400, 401, 403))
    for name, value in (
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("Host", "localhost"),
    )
)  # fmt: skip
SMUGGLING = (
    Attempt("change the method by a header", f"{GUARD}: no method but that of the request", "POST",
            path=f"{ARTIFACTS}/{{model}}", headers={"X-HTTP-Method-Override": "DELETE"}, expected=(400, *REFUSED)),
    Attempt("smuggle a request behind another", f"{GUARD} sees each request of a connection", expected=(400, 401, 403),
            raw="POST /health HTTP/1.1\r\nHost: tracking\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                "0\r\n\r\nDELETE " + ARTIFACTS + "/{model} HTTP/1.1\r\nHost: tracking\r\n\r\n"),
    Attempt("open a websocket", f"{GUARD}: no websockets", path="/ws", expected=(400, 401, 403, 404), headers={
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}),
)  # fmt: skip
TOKENS = tuple(
    _with(token, what=what, stopped_by=by, path=f"{ARTIFACTS}/{{own_data}}/train.parquet", expected=UNKNOWN)
    for what, token, by in (
        ("use a token of its own making", "Bearer {forged_token}", "TokenReview: the API server signs tokens"),
        ("use a token that is no token", "Bearer x", "TokenReview"),
        ("use the name of the operator", "Basic bW9kZWx5YXJkLW9wZXJhdG9yOng=", f"{GUARD} takes tokens alone"),
        ("use a token for the API server", "Bearer {api_token}", "TokenReview: another audience"),
        ("use a token of no pod", "Bearer {loose_token}", f"{GUARD}: a tenant's token is bound to a pod"),
        ("use the token of a pod that is gone", "Bearer {gone_token}", "TokenReview: its pod is gone"),
        ("use the token of a pod that has ended", "Bearer {ended_token}", f"{GUARD}: its pod has ended"),
    )
)
API = (
    *_both("search all experiments", f"{MLFLOW}/experiments/search", "POST", {"max_results": 100}),
    *_both("search runs", f"{MLFLOW}/runs/search", "POST", {"experiment_ids": ["{experiment}"]}),
    *_both("read a run", f"{MLFLOW}/runs/get?run_id={{run}}"),
    *_both("change a run", f"{MLFLOW}/runs/update", "POST", {"run_id": "{run}", "status": "FAILED"}),
    *_both("log to a run", f"{MLFLOW}/runs/log-batch", "POST", {"run_id": "{run}", "metrics": []}),
    *_both("delete a run", f"{MLFLOW}/runs/delete", "POST", {"run_id": "{run}"}),
    *_both("delete an experiment", f"{MLFLOW}/experiments/delete", "POST", {"experiment_id": "{experiment}"}),
    *_both("read an experiment", f"{MLFLOW}/experiments/get-by-name?experiment_name={{experiment_name}}"),
    *_both("use the routes of the pages", "/ajax-api/2.0/mlflow/experiments/search", "POST", {"max_results": 9}),
    *_both("use GraphQL", "/graphql", "POST", {"query": "{{ mlflowGetExperiment {{ x }} }}"}),
    *_both("register a model", f"{MLFLOW}/registered-models/create", "POST", {"name": "x"}),
    *_both("make a webhook", f"{MLFLOW}/webhooks", "POST", {"name": "x", "url": "http://x", "events": []}),
    *_both("have the server fetch an address", "/ajax-api/2.0/mlflow/gateway-proxy", "POST", {"gateway_path": "x"}),
    *_both("send traces", "/v1/traces", "POST", {}),
    *_both("open the pages", "/"),
    Attempt("speak gRPC to it", f"{GUARD}: HTTP/1.1 alone", raw="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            expected=(NO_ANSWER, 400, 401, 403, 505)),
    _with(PODS_OWN, what="make an experiment that keeps its files elsewhere",
          stopped_by=f"{GUARD}: only known fields", method="POST", path=f"{MLFLOW}/experiments/create",
          body={"name": "{own_experiment}", "artifact_location": "file:///var/lib/mlflow"}, expected=(403,)),
)  # fmt: skip
OTHERS = (
    Attempt("load a model into another namespace's server", "the servers load what the operator says",
            "POST", "{server}", "/v2/repository/models/species/load"),
    Attempt("unload a model from another namespace's server", "the servers load what the operator says",
            "POST", "{server}", "/v2/repository/models/species/unload"),
    Attempt("read Secrets by the Kubernetes API", "the API server: the pod has no token for it", to="{api}",
            path="/api/v1/namespaces/{victim}/secrets"),
    Attempt("read another namespace's objects by the Kubernetes API", "the API server", to="{api}",
            path="/apis/modelyard.dev/v1alpha1/namespaces/{victim}/models"),
    _with(PODS_OWN, what="use its token at the Kubernetes API", stopped_by="the API server: another audience",
          to="{api}", path="/api/v1/namespaces/{own}/pods", expected=(401,)),
    Attempt("ask for the node's cloud credentials", "nothing answers there, or a NetworkPolicy", to="http://169.254.169.254",
            path="/latest/meta-data/", expected=(NO_ANSWER,)),
    Attempt("read the operator's metrics, which name all objects", "the operator asks who reads them", to="{operator}",
            path="/metrics", expected=REFUSED),
    Attempt("find another route of the operator", "it has none", to="{operator}", path="/", expected=ABSENT),
)  # fmt: skip
FILES = tuple(
    Attempt(what, "the pod's containers have no more than they need", file=file)
    for what, file in (
        ("find the token of our own program", "/modelyard/identity*"),
        ("find a token for the Kubernetes API", "/var/run/secrets/*"),
        ("find the task of our own program", "/modelyard/task*"),
        ("read other containers' memory and files", "/proc/[0-9]*/root/modelyard/identity"),
    )
)

ATTEMPTS = (*READS, *WRITES, *PATHS, *LIES, *SMUGGLING, *TOKENS, *API, *OTHERS, *FILES)
CONTROLS = (
    _with(PODS_OWN, what="read the data that its own task names", stopped_by="-",
          path=f"{ARTIFACTS}/{{own_data}}/train.parquet", expected=(200,)),
    Attempt("ask whether the tracking server lives", "-", path="/health", expected=(200,)),
    Attempt("ask another namespace's model", "-", to="{server}", path="/v2/health/ready", expected=(200,)),
)  # fmt: skip
"""What must work: else that nothing else does would prove nothing."""
