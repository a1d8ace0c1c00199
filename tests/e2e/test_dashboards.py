"""Runs each query of the dashboards, and each alert, against a real Prometheus that scrapes a loop with clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.birds import birds
from tests.support.dashboards import BOARDS, queries
from tests.support.infer import Load, request_of
from tests.support.kube import Kube, Object
from tests.support.mainjob import DEPLOYMENT, EXAMPLES, FIRST_DATA, MainJob
from tests.support.prometheus import Prometheus

pytestmark = pytest.mark.cluster
MAY_BE_EMPTY = {
    "Need a person",
    "What needs a person",
    "Under way",
    "Share of the candidate",
    "Candidate",
    "Errors",
}
"""Panels without series while all is well and no version is rolled out."""
MONITOR: Object = {
    "apiVersion": "modelyard.dev/v1alpha1",
    "kind": "ModelMonitor",
    "metadata": {"name": "watch"},
    "spec": {"deploymentRef": {"name": DEPLOYMENT}, "window": {"length": "10s", "minRows": 100}},
}


def test_each_panel_shows_what_it_is_about(kube: Kube, tmp_path: Path) -> None:
    job = MainJob(kube)
    job.apply_all()
    job.wait_served(1)
    kube.run("wait", "--for=condition=Ready", f"modeldeployment/{DEPLOYMENT}", "--timeout=120s")
    kube.apply({**MONITOR, "metadata": {"name": "watch", "namespace": kube.namespace}})
    variables = {"namespace": kube.namespace, "deployment": DEPLOYMENT, "monitor": "watch"}
    # A window of all rows that the model has learned from is no alarm.
    body = request_of(birds(EXAMPLES / FIRST_DATA))
    with Prometheus(kube, tmp_path) as prometheus:
        with Load(*job.address(), f"/v2/models/{DEPLOYMENT}/infer", body) as load:
            rate = f'sum(rate(modelyard_server_requests_total{{namespace="{kube.namespace}"}}[1m]))'

            def is_busy() -> bool:
                series = prometheus.query(rate)
                return bool(series) and float(series[0]["value"][1]) > 1

            kube.until("a rate of requests", is_busy, 60)
            looked = f'modelyard_modelmonitor_shift{{namespace="{kube.namespace}"}}'
            kube.until("a look at a window", lambda: prometheus.query(looked), 120)
            answers = {
                f"{board}: {title}: {expression}": prometheus.query(expression)
                for board in BOARDS
                for title, expression in queries(board, variables)
                if title not in MAY_BE_EMPTY and "modelpool" not in expression
            }
        assert load.failures == []
        assert [panel for panel, series in answers.items() if not series] == []
        (stable,) = prometheus.query(f'modelyard_modeldeployment_stable_version{{namespace="{kube.namespace}"}}')
        assert (stable["metric"]["name"], stable["value"][1]) == (DEPLOYMENT, "1")
        assert prometheus.bad_rules() == []
        ours = [item["metric"] for item in prometheus.query(f'ALERTS{{namespace="{kube.namespace}"}}')]
        assert [alert for alert in ours if alert.get("alertstate") == "firing"] == []
