"""Tells MLflow of a run, by its REST API."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote

from modelyard_runtime.web import Unavailable, Web

API = "/api/2.0/mlflow"


class Tracking:
    def __init__(self, web: Web) -> None:
        self.web = web

    def experiment(self, name: str) -> str:
        """The id of the experiment, made if it isn't there."""
        found = self._by_name(name)
        if found is None:
            try:
                return str(self._post("experiments/create", {"name": name})["experiment_id"])
            except Unavailable:
                found = self._by_name(name)  # another pod was quicker
                if found is None:
                    raise
        return found

    def log(
        self,
        experiment: str,
        name: str,
        uid: str,
        params: dict[str, Any],
        metrics: dict[str, float],
        tags: dict[str, str],
    ) -> str:
        """The id of the tracked run of this uid: made, filled and ended; one that is there is filled again."""
        now = int(time.time() * 1000)
        run = self._find(experiment, uid)
        if run is None:
            labels = {"mlflow.runName": name, "modelyard.dev/uid": uid, **tags}
            body = {
                "experiment_id": experiment,
                "run_name": name,
                "start_time": now,
                "tags": [{"key": key, "value": value[:5000]} for key, value in labels.items()],
            }
            run = str(self._post("runs/create", body)["run"]["info"]["run_id"])
        self._post(
            "runs/log-batch",
            {
                "run_id": run,
                "params": [{"key": key[:250], "value": str(value)[:500]} for key, value in list(params.items())[:100]],
                "metrics": [
                    {"key": key, "value": value, "timestamp": now, "step": 0} for key, value in metrics.items()
                ],
            },
        )
        self._post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": now})
        return run

    def _by_name(self, name: str) -> str | None:
        url = f"{self.web.base}{API}/experiments/get-by-name?experiment_name={quote(name)}"
        status, data = self.web.request("GET", url)
        if status == 404:
            return None
        if status != 200:
            raise Unavailable(f"GET experiment {name!r}: {status} {data[:300].decode(errors='replace')}")
        return str(json.loads(data)["experiment"]["experiment_id"])

    def _find(self, experiment: str, uid: str) -> str | None:
        body = {"experiment_ids": [experiment], "filter": f"tags.`modelyard.dev/uid` = '{uid}'", "max_results": 1}
        runs = self._post("runs/search", body).get("runs") or []
        return str(runs[0]["info"]["run_id"]) if runs else None

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self.web.json("POST", f"{self.web.base}{API}/{path}", body)
