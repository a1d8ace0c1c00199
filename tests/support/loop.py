"""The steps of the whole loop that the demo shows and an end-to-end test checks, with the unchanged examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tests.common.paths import REPO
from tests.support.birds import Flock
from tests.support.clients import Clients
from tests.support.kube import Kube, Object, condition
from tests.support.mainjob import DEPLOYMENT, EXAMPLES, FIRST_DATA, MODEL, MORE_DATA, MainJob

LOOP = REPO / "manifests" / "examples" / "loop"
PIPELINE, SCORING, MONITOR = "species", "scoring", "species"
SCALE_ERROR = 1500.0
"""Grams that the clients' scale shows too much in the third act."""


class Until(Protocol):
    """Waits as ``Kube.until`` does."""

    def __call__(self, what: str, probe: Callable[[], Any], seconds: float = ...) -> Any: ...


class Loop:
    """The loop in one namespace: each step does what a person or the world does, or waits for what the loop does."""

    def __init__(self, kube: Kube, until: Until | None = None) -> None:
        self.kube, self.until, self.job = kube, until or kube.until, MainJob(kube)
        self.flock = Flock(EXAMPLES / MORE_DATA)

    def begin(self) -> None:
        """Applies the table of two years and all of the example."""
        self.job.put_data(FIRST_DATA)
        self.kube.run("apply", "--server-side", "-f", str(LOOP))

    def a_year_later(self) -> None:
        self.job.put_data(MORE_DATA)

    def break_the_scale(self) -> None:
        self.flock.scale_error = SCALE_ERROR

    def repair_the_scale(self) -> None:
        self.flock.scale_error = 0.0

    def clients(self) -> Clients:
        return self.flock.clients(self.kube, DEPLOYMENT)

    def run(self, trigger: str, number: int = 1) -> Object:
        """Waits for the PipelineRun of that number, from 1, that the trigger has started, and returns it."""

        def probe() -> Object | None:
            runs = [run for run in self.runs() if (run["spec"].get("trigger") or {}).get("name") == trigger]
            return runs[number - 1] if len(runs) >= number else None

        return dict(self.until(f"run {number} by trigger {trigger}", probe, 180))

    def runs(self, pipeline: str = PIPELINE) -> list[Object]:
        """Returns the PipelineRuns of a Pipeline, the oldest first."""
        runs = [run for run in self.kube.list("pipelineruns") if run["spec"]["pipelineRef"]["name"] == pipeline]
        return sorted(runs, key=lambda run: str(run["metadata"]["creationTimestamp"]))

    def started(self, run: Object, step: str) -> str:
        """Waits until a step of the run has an object, and returns its name."""

        def probe() -> str | None:
            item = self._step(run, step)
            return str(item["object"]) if item.get("object") else None

        return str(self.until(f"step {step} is started", probe, 180))

    def succeeded(self, run: Object) -> Object:
        """Waits until the run has succeeded, and returns it. Raises AssertionError with its message if it has not."""

        def probe() -> Object | None:
            now = self.kube.get("pipelinerun", run["metadata"]["name"])
            assert not condition(now, "Failed"), condition(now, "Ready")
            return now if condition(now, "Complete") else None

        return dict(self.until(f"the end of {run['metadata']['name']}", probe, 300))

    def rolls_out(self, before: int) -> None:
        """Waits until the deployment has a candidate, or already serves another version than before."""
        self.until("a rollout", lambda: self._versions() != (before, None), 300)

    def made(self, run: Object) -> int:
        """Waits until the run has succeeded, and returns the number of the version that it has made.

        It is not always 1 at first: the numbers of a deleted Model are not given again.
        """
        return int(self.succeeded(run)["status"]["outputs"]["modelVersion"].rpartition("-v")[2])

    def serves(self, version: int) -> None:
        self.until(f"version {version} served", lambda: self._versions() == (version, None), 300)

    def scored(self, version: int) -> None:
        """Waits until a BatchPrediction by this version is complete."""

        def probe() -> bool:
            ended = [run["status"] for run in self.kube.list("batchpredictions") if condition(run, "Complete")]
            return f"{MODEL}-v{version}" in [status["inputs"]["modelVersion"] for status in ended]

        self.until(f"a batch scored by version {version}", probe, 240)

    def inputs(self, status: str) -> Object:
        """Waits until the monitor's InputsStable has this status, and returns the condition."""

        def probe() -> Object | None:
            item = condition(self.kube.get("modelmonitor", MONITOR), "InputsStable")
            return item if item and item["status"] == status else None

        return dict(self.until(f"InputsStable is {status}", probe, 180))

    def _versions(self) -> tuple[int | None, int | None]:
        """Returns which version the deployment serves, and which is its candidate."""
        status = (self.kube.get("modeldeployment", DEPLOYMENT) or {}).get("status") or {}
        return status.get("stable"), status.get("candidate")

    def _step(self, run: Object, name: str) -> Object:
        status = (self.kube.get("pipelinerun", run["metadata"]["name"]) or {}).get("status") or {}
        return next((dict(item) for item in status.get("steps", ()) if item["name"] == name), {})
