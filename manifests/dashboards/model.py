"""The dashboard of one served model: its requests, versions, pods and metrics."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from manifests.dashboards.panels import RATE, Panels, filled, graph, listing, names, new, number

_OBJECT = 'namespace="$namespace", name="$deployment"'
_SERVED = 'namespace="$namespace", model="$deployment"'
_QUANTILES = (0.5, 0.9, 0.99)


def build() -> dashboard.Dashboard:
    board = new("modelyard-model", "Modelyard / A model", "One ModelDeployment: requests, versions and pods.")
    metric = "modelyard_modeldeployment_replicas"
    board = board.with_variable(names("namespace", "Namespace", "namespace", metric))
    board = board.with_variable(names("deployment", "ModelDeployment", "name", metric + '{namespace="$namespace"}'))
    monitors = 'modelyard_modelmonitor_looks{namespace="$namespace"}'
    board = board.with_variable(names("monitor", "ModelMonitor", "name", monitors))
    rows = {"Now": _now(), "Requests": _requests(), "Versions and pods": _versions(), "Monitor": _monitor()}
    return filled(board, rows)


def _now() -> Panels:
    requests = f"modelyard_server_requests_total{{{_SERVED}}}"
    errors = f'modelyard_server_requests_total{{code=~"5..", {_SERVED}}}'
    return [
        number("Stable version", "", f"modelyard_modeldeployment_stable_version{{{_OBJECT}}}", none="none"),
        number(
            "Candidate",
            "The version that is being rolled out.",
            f"modelyard_modeldeployment_candidate_version{{{_OBJECT}}}",
            none="none",
        ),
        number("Requests", "A second.", f"sum(rate({requests}[{RATE}]))", unit="reqps"),
        number("Errors", "5xx a second.", f"sum(rate({errors}[{RATE}]))", alarming=True, unit="reqps"),
        listing(
            "Conditions",
            "kubectl describe has their messages.",
            f'modelyard_condition{{kind="ModelDeployment", {_OBJECT}}}',
            "type",
            "status",
            "reason",
        ),
    ]


def _requests() -> Panels:
    requests, seconds = "modelyard_server_requests_total", "modelyard_server_request_duration_seconds_bucket"
    rows = f"sum by (le) (rate(modelyard_server_request_rows_bucket{{{_SERVED}}}[{RATE}]))"
    by_version = f"sum by (version, le) (rate({seconds}{{{_SERVED}}}[{RATE}]))"
    return [
        graph(
            "Requests by version and answer",
            "Infer requests a second.",
            ("v{{version}} {{code}}", f"sum by (version, code) (rate({requests}{{{_SERVED}}}[{RATE}]))"),
            unit="reqps",
        ),
        graph(
            "Latency by version",
            "In the server, without the network.",
            *((f"v{{{{version}}}} {q:.0%}", f"histogram_quantile({q}, {by_version})") for q in _QUANTILES),
            unit="s",
        ),
        graph(
            "Rows a request",
            "",
            *((f"{q:.0%}", f"histogram_quantile({q}, {rows})") for q in _QUANTILES),
        ),
    ]


def _versions() -> Panels:
    in_flight = f"sum by (pod) (modelyard_server_requests_in_flight{{{_SERVED}}})"
    return [
        graph(
            "Share of the candidate",
            "Percent of the traffic.",
            ("candidate", f"modelyard_modeldeployment_candidate_weight{{{_OBJECT}}}"),
            unit="percent",
        ),
        graph(
            "Pods",
            "",
            ("ready", f"modelyard_modeldeployment_ready_replicas{{{_OBJECT}}}"),
            ("all", f"modelyard_modeldeployment_replicas{{{_OBJECT}}}"),
        ),
        graph("Requests in flight", "Being answered, by pod.", ("{{pod}}", in_flight)),
        listing(
            "Metrics of all versions in the namespace",
            "On the held-out rows.",
            'modelyard_modelversion_metric{namespace="$namespace"}',
            "name",
            "metric",
            value="value",
        ),
    ]


def _monitor() -> Panels:
    of = 'namespace="$namespace", name="$monitor"'
    shift, limit = f"modelyard_modelmonitor_shift{{{of}}}", f"modelyard_modelmonitor_shift_limit{{{of}}}"
    return [
        graph("Shift by column", "The ten that are nearest to their limits.", ("{{role}} {{column}}", shift)),
        graph("Shift of its limit", "Above 1 it is an alarm.", ("{{role}} {{column}}", f"{shift} / {limit}")),
        graph(
            "Looks",
            "Of all time: windows that were looked at, that raised an alarm, that nobody looked at.",
            *((name, f"modelyard_modelmonitor_{name}{{{of}}}") for name in ("looks", "alarms", "missed")),
        ),
        graph("Rows of a window", "", ("rows", f"modelyard_modelmonitor_window_rows{{{of}}}")),
        listing(
            "What it says",
            "kubectl describe modelmonitor has the messages.",
            f'modelyard_condition{{kind="ModelMonitor", {of}}}',
            "type",
            "status",
            "reason",
            span=16,
        ),
    ]
