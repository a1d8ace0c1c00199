"""Runs Debian's Prometheus beside a cluster, with the targets and labels that the shipped PodMonitors choose."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.common.paths import REPO
from tests.common.ports import free_port
from tests.support.debian import unpacked
from tests.support.kube import Kube
from tests.support.scene import SYSTEM

ALERTS = REPO / "manifests/alerts"
EVERY = 1
"""Seconds between scrapes."""


class Prometheus:
    """Use as ``with Prometheus(kube, folder) as prometheus``. It scrapes the pods that exist when it starts."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube, self._folder = kube, folder
        # Download in a separate process: this one may be in a cluster's network.
        subprocess.run([sys.executable, "-m", "tests.support.debian", "prometheus"], cwd=REPO, check=True)

    def __enter__(self) -> Prometheus:
        port = free_port()
        self.url, config = f"http://127.0.0.1:{port}", self._folder / "prometheus.yaml"
        config.write_text(yaml.safe_dump(self._config()))
        argv = [str(unpacked("prometheus") / "usr/bin/prometheus"), f"--config.file={config}"]
        argv += [f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
        with (self._folder / "prometheus.log").open("w") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        self._kube.until("Prometheus scrapes all pods", self._scrapes, 60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Returns the series of an instant query. Raises HTTPError if Prometheus refuses it."""
        return list(self._get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["result"])

    def bad_rules(self) -> list[str]:
        """Returns the alerts that Prometheus could not evaluate."""
        groups = self._get("/api/v1/rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert rules
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] == "err"]

    def _config(self) -> dict[str, Any]:
        rules = self._folder / "rules.yaml"
        (rule,) = yaml.safe_load_all((ALERTS / "prometheusrule.yaml").read_text())
        rules.write_text(yaml.safe_dump(rule["spec"]))
        monitors = list(yaml.safe_load_all((ALERTS / "podmonitors.yaml").read_text()))
        every = f"{EVERY}s"
        return {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(rules)],
            "scrape_configs": [self._job(monitor) for monitor in monitors],
        }

    def _job(self, monitor: dict[str, Any]) -> dict[str, Any]:
        """Returns the scrape job that the Prometheus operator would make of a PodMonitor and the pods of now."""
        (endpoint,), labels = monitor["spec"]["podMetricsEndpoints"], monitor["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        pods = json.loads(self._kube.run("get", "pods", "--all-namespaces", f"--selector={selector}", "--output=json"))
        targets = [_target(pod, endpoint["port"]) for pod in pods["items"] if _is_ready(pod)]
        assert targets, f"there is no ready pod with {selector}"
        access = endpoint.get("authorization")
        return {
            **({"authorization": {"credentials": self._token(**access["credentials"])}} if access else {}),
            "job_name": monitor["metadata"]["name"],
            "honor_labels": endpoint.get("honorLabels", False),
            "metrics_path": endpoint["path"],
            "static_configs": targets,
        }

    def _token(self, name: str, key: str) -> str:
        """Applies the account that may scrape, and returns the token that Kubernetes has filled in."""
        system = Kube(self._kube.cluster, SYSTEM)
        system.apply(*yaml.safe_load_all((ALERTS / "access.yaml").read_text()))
        data = system.until("the token", lambda: (system.get("secret", name) or {}).get("data"), 60)
        return base64.b64decode(data[key]).decode()

    def _scrapes(self) -> bool:
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()[-2000:]
        try:
            up = self.query("up")
        except OSError:
            return False
        return bool(up) and all(item["value"][1] == "1" for item in up)

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return dict(json.load(answer)["data"])


def _target(pod: dict[str, Any], port_name: str) -> dict[str, Any]:
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]
    (port,) = (port["containerPort"] for port in ports if port["name"] == port_name)
    meta = pod["metadata"]
    address = f"{pod['status']['podIP']}:{port}"
    return {"targets": [address], "labels": {"namespace": meta["namespace"], "pod": meta["name"]}}


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any((item["type"], item["status"]) == ("Ready", "True") for item in conditions)
