"""The dashboard of the whole loop, from data to what is served, and of the operator that drives it."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from manifests.dashboards.panels import RATE, Panels, filled, graph, listing, names, new, number

_IN = 'namespace=~"$namespace"'


def build() -> dashboard.Dashboard:
    board = new("modelyard-loop", "Modelyard / The loop", "Data, training, models and serving of all namespaces.")
    board = board.with_variable(names("namespace", "Namespace", "namespace", "modelyard_condition", several=True))
    return filled(
        board,
        {
            "Now": _now(),
            "Data and training": _training(),
            "Models and serving": _serving(),
            "The operator": _operator(),
        },
    )


def _now() -> Panels:
    stalled = f'modelyard_condition{{type="Stalled", status="True", {_IN}}}'
    under_way = f'modelyard_condition{{type="Reconciling", status="True", {_IN}}}'
    return [
        number(
            "Need a person", "Objects that go on only after somebody has acted.", f"count({stalled})", alarming=True
        ),
        number("Under way", "Objects that the operator works on, or that wait for another.", f"count({under_way})"),
        number("Models with a champion", "", f"count(modelyard_model_champion_version{{{_IN}}})"),
        number("Ready serving pods", "", f"sum(modelyard_modeldeployment_ready_replicas{{{_IN}}})"),
        listing(
            "What needs a person",
            "kubectl describe says what to do.",
            f"max by (kind, namespace, name, reason) ({stalled})",
            "kind",
            "namespace",
            "name",
            "reason",
        ),
    ]


def _training() -> Panels:
    of_runs = f'modelyard_condition{{kind="TrainingRun", type="Ready", {_IN}}}'
    ended, began = "modelyard_trainingrun_completion_timestamp_seconds", "modelyard_trainingrun_start_timestamp_seconds"
    return [
        graph(
            "Age of the last look at the data",
            "How long ago the source of each Dataset was read.",
            ("{{namespace}}/{{name}}", f"time() - modelyard_dataset_last_check_timestamp_seconds{{{_IN}}}"),
            unit="s",
        ),
        graph(
            "Training runs by state",
            "The reason of Ready of each run that exists.",
            ("{{reason}}", f"count by (reason) ({of_runs})"),
        ),
        graph(
            "Duration of training",
            "Of the runs that exist and have ended.",
            ("half of them", f"quantile(0.5, {ended}{{{_IN}}} - {began}{{{_IN}}})"),
            ("the longest", f"max({ended}{{{_IN}}} - {began}{{{_IN}}})"),
            unit="s",
        ),
    ]


def _serving() -> Panels:
    requests = f"modelyard_server_requests_total{{{_IN}}}"
    errors = f'modelyard_server_requests_total{{code=~"5..", {_IN}}}'
    return [
        graph(
            "Champion",
            "The version that is champion of each Model.",
            ("{{namespace}}/{{name}}", f"modelyard_model_champion_version{{{_IN}}}"),
        ),
        graph(
            "Share of the candidate",
            "Percent of the traffic that goes to the version that is being rolled out.",
            ("{{namespace}}/{{name}}", f"modelyard_modeldeployment_candidate_weight{{{_IN}}}"),
            unit="percent",
        ),
        graph(
            "Ready pods",
            "Of each ModelDeployment and ModelPool.",
            ("{{namespace}}/{{name}}", f"modelyard_modeldeployment_ready_replicas{{{_IN}}}"),
            ("pool {{namespace}}/{{name}}", f"modelyard_modelpool_ready_replicas{{{_IN}}}"),
        ),
        graph(
            "Requests",
            "Infer requests a second.",
            ("{{namespace}}/{{model}}", f"sum by (namespace, model) (rate({requests}[{RATE}]))"),
            unit="reqps",
            span=12,
        ),
        graph(
            "Errors",
            "Share of the requests that were answered with 5xx.",
            (
                "{{namespace}}/{{model}}",
                f"sum by (namespace, model) (rate({errors}[{RATE}]))"
                f" / sum by (namespace, model) (rate({requests}[{RATE}]))",
            ),
            unit="percentunit",
            span=12,
        ),
    ]


def _operator() -> Panels:
    seconds = f"sum by (kind, le) (rate(modelyard_reconcile_seconds_bucket[{RATE}]))"
    return [
        graph("Queue", "Objects that wait for a worker.", ("waiting", "sum(modelyard_queue_depth)")),
        graph("Passes", "99 % take less.", ("{{kind}}", f"histogram_quantile(0.99, {seconds})"), unit="s"),
        graph(
            "Requests to the API server",
            "A second, by answer; code 0: there was none.",
            ("{{verb}} {{code}}", f"sum by (verb, code) (rate(modelyard_api_requests_total[{RATE}]))"),
            unit="reqps",
        ),
    ]
