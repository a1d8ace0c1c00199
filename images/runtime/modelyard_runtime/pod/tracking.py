"""Logs a run to MLflow with its REST API."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import quote

from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.web import Unavailable, Web, nothing_there, quoted

API = "/api/2.0/mlflow"
RUNNING = "RUNNING"


class Tracking:
    def __init__(self, web: Web) -> None:
        self.web = web

    def experiment(self, name: str) -> str:
        """Returns the experiment's id; creates it if it doesn't exist, and restores it if it was deleted."""
        experiment = self._by_name(name)
        if experiment is not None and experiment["lifecycle_stage"] == "active":
            return str(experiment["experiment_id"])
        try:
            if experiment is None:
                return str(self._post("experiments/create", {"name": name})["experiment_id"])
            say(f"the experiment {name!r} had been deleted; restoring it")
            self._post("experiments/restore", {"experiment_id": experiment["experiment_id"]})
        except Unavailable:
            experiment = self._by_name(name)  # another pod may have been faster
            if experiment is None or experiment["lifecycle_stage"] != "active":
                raise
        return str(experiment["experiment_id"])

    def log(
        self,
        experiment: str,
        name: str,
        uid: str,
        params: dict[str, Any],
        metrics: dict[str, float],
        tags: dict[str, str],
        status: str = "FINISHED",
    ) -> str:
        """Creates, fills and ends the run with this uid, or fills the existing one again. Returns its id."""
        now = int(time.time() * 1000)
        run, logged, _ = self._run(experiment, name, uid)
        values = [{"key": key, "value": value, "timestamp": now, "step": 0} for key, value in metrics.items()]
        # MLflow lets a parameter be written only once, so skip those of an earlier try.
        unlogged = [item for item in _params(params) if item["key"] not in logged]
        labels = [{"key": key, "value": value[:5000]} for key, value in tags.items()]
        self._log_batch({"run_id": run, "metrics": values, "tags": labels}, unlogged)
        self.end(run, status)
        return run

    def open(self, experiment: str, name: str, uid: str) -> str:
        """Returns the id of the run with this uid. It is created if it doesn't exist, and goes on if it has ended."""
        run, _, status = self._run(experiment, name, uid)
        if status != RUNNING:
            self._post("runs/update", {"run_id": run, "status": RUNNING})
        return run

    def _run(self, experiment: str, name: str, uid: str) -> tuple[str, set[str], str]:
        """Returns what ``_find`` does of the run with this uid, which is created if it doesn't exist."""
        run, logged, status = self._find(experiment, uid)
        if run is None:
            labels = {"mlflow.runName": name, "modelyard.dev/uid": uid}
            body = {
                "experiment_id": experiment,
                "run_name": name,
                "start_time": int(time.time() * 1000),
                "tags": [{"key": key, "value": value} for key, value in labels.items()],
            }
            run, status = str(self._post("runs/create", body)["run"]["info"]["run_id"]), RUNNING
        return run, logged, status

    def log_metrics(self, run: str, values: list[dict[str, Any]]) -> None:
        """Logs metrics with their times and steps."""
        self._post("runs/log-batch", {"run_id": run, "metrics": values})

    def close(self, experiment: str, uid: str, status: str) -> None:
        """Ends the run with this uid in the experiment of this name, if it is there and has not ended."""
        found = self._by_name(experiment)
        run, _, known = self._find(str(found["experiment_id"]), uid) if found else (None, set(), "")
        if run is not None and known == RUNNING:
            self.end(run, status)

    def end(self, run: str, status: str) -> None:
        """Ends a run as FINISHED, FAILED or KILLED."""
        self._post("runs/update", {"run_id": run, "status": status, "end_time": int(time.time() * 1000)})

    def _log_batch(self, batch: dict[str, Any], params: list[dict[str, str]]) -> None:
        """Logs a batch with parameters. If the server refuses the parameters, logs it without: they are a
        convenience."""
        body = json.dumps({**batch, "params": params}, allow_nan=False).encode()
        status, data = self.web.request("POST", self._url("runs/log-batch"), body, "application/json")
        if status == 200:
            return
        if status != 400 or not params:
            raise Unavailable(f"POST runs/log-batch: {status} {quoted(data)}")
        say(f"the tracking server refuses the parameters; logging without: {quoted(data)}")
        self._log_batch(batch, [])

    def _by_name(self, name: str) -> dict[str, Any] | None:
        status, data = self.web.request("GET", self._url(f"experiments/get-by-name?experiment_name={quote(name)}"))
        if nothing_there(status, data):
            return None
        if status != 200:
            raise Unavailable(f"GET experiment {name!r}: {status} {quoted(data)}")
        experiment: dict[str, Any] = json.loads(data)["experiment"]
        return experiment

    def _find(self, experiment: str, uid: str) -> tuple[str | None, set[str], str]:
        """Returns the id of the run with this uid, or None, the keys of its parameters, and its status."""
        body = {"experiment_ids": [experiment], "filter": f"tags.`modelyard.dev/uid` = '{uid}'", "max_results": 1}
        runs = self._post("runs/search", body).get("runs") or []
        if not runs:
            return None, set(), ""
        info, data = runs[0]["info"], runs[0]["data"]
        return str(info["run_id"]), {item["key"] for item in data.get("params", [])}, info.get("status", "")

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self.web.json("POST", self._url(path), body)

    def _url(self, path: str) -> str:
        return f"{self.web.base}{API}/{path}"


def _params(params: dict[str, Any]) -> list[dict[str, str]]:
    """Returns parameters as MLflow accepts them: unique keys of allowed characters and length, at most 100 in one
    request."""
    cleaned: dict[str, str] = {}
    for key, value in params.items():
        clean = re.sub(r"[^A-Za-z0-9_\-. :]", "_", key)[:250].strip(". ") or "_"
        cleaned.setdefault(clean, str(value)[:500])
    return [{"key": key, "value": value} for key, value in list(cleaned.items())[:100]]
