"""The pods of a sweep as processes on this machine, with a real tracking server and a small real table."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_iris

from modelyard_api.fields.artifact import TRAIN_PARQUET
from modelyard_api.kinds.sweep import SweepSpec
from modelyard_api.wire.result import SweepResult
from modelyard_api.wire.task import Data, Subject, SweepTask
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.tracking import Tracking as Tracked
from modelyard_runtime.pod.web import Web
from tests.common.ports import free_port
from tests.support.tracking import Tracking

SPACE: dict[str, Any] = {
    "candidates": [
        {"algorithm": "LogisticRegression", "params": {"C": {"low": 0.001, "high": 100, "log": True}}},
        {
            "algorithm": "DecisionTreeClassifier",
            "params": {"max_depth": {"values": [None, 2, 3]}, "min_samples_leaf": {"low": 1, "high": 20}},
        },
    ],
    "features": {"select": ["None", "FTest"], "keep": {"low": 1, "high": 4}},
}


def spec(**more: Any) -> SweepSpec:
    base = {
        "datasetRef": {"name": "iris"},
        "objective": "balanced_accuracy",
        "maxTrials": 60,
        "validation": {"folds": 2},
        "search": SPACE,
    }
    return SweepSpec.model_validate(base | more)


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


class Pods:
    """The pods of one sweep; ``start`` starts the one with this index, again if it was killed."""

    def __init__(self, tracking: Tracking, folder: Path, uid: str, **more: Any) -> None:
        self.store = ArtifactStore(Web(tracking.url))
        base, folder = f"mlflow-artifacts:/modelyard/n/{uid}", folder / uid
        folder.mkdir()
        self.task = SweepTask(
            subject=Subject(namespace="n", name=uid, uid=uid),
            tracking_url=tracking.url,
            base_uri=base,
            result_uri=f"{base}/result.json",
            data=_iris(self.store),
            spec=spec(**more),
            trial_seconds=30,
            coordinator=f"127.0.0.1:{free_port()}",
            image="runtime:1",
        )
        self._file = folder / "task.json"
        self._file.write_text(self.task.model_dump_json(by_alias=True, exclude_none=True))
        self._log = (folder / "log").open("ab")
        self._of: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, index: int) -> None:
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index), "MODELYARD_TERMINATION_LOG": os.devnull}
        argv = [sys.executable, "-m", "modelyard_runtime", "sweep", "--task", str(self._file)]
        self._of[index] = subprocess.Popen(argv, env=environment, stdout=self._log, stderr=self._log)

    def kill(self, index: int) -> None:
        self._of[index].kill()
        self._of[index].wait()

    def stop(self, index: int) -> int:
        """Lets the kubelet stop a pod, and returns its exit code."""
        self._of[index].terminate()
        return self._of[index].wait(60)

    def wait(self, *indexes: int) -> list[int]:
        """Returns the exit codes of these pods, once they have ended."""
        return [self._of[index].wait(240) for index in indexes]

    def close(self) -> None:
        for process in self._of.values():
            process.kill()
            process.wait()

    def progress(self) -> SweepResult | None:
        """Returns what the newest part of the journal says."""
        folder = f"{self.task.base_uri}/journal"
        names = self.store.names(folder)
        return SweepResult.model_validate(self.store.get_json(f"{folder}/{names[-1]}")["summary"]) if names else None

    def until_finished(self, count: int) -> None:
        """Waits until so many trials are in the journal."""
        ends = time.monotonic() + 240
        while (progress := self.progress()) is None or progress.succeeded + progress.failed < count:
            assert time.monotonic() < ends, f"no {count} trials are finished: {progress}"
            assert self._of[0].poll() is None, f"the first pod has ended after: {progress}"
            time.sleep(0.1)

    def entries(self) -> list[dict[str, Any]]:
        folder = f"{self.task.base_uri}/journal"
        parts = [self.store.get_json(f"{folder}/{name}") for name in self.store.names(folder)]
        return [entry for part in parts if part for entry in part["entries"]]

    def statuses(self) -> Counter[str]:
        """Counts the statuses of the trials' runs in the tracking server, and that of the sweep's own."""
        found = [(run["info"]["status"], _tags(run)["modelyard.dev/uid"]) for run in self._runs()]
        return Counter(f"sweep {status}" if uid == self.task.subject.uid else status for status, uid in found)

    def tracked(self) -> list[dict[str, str]]:
        """Returns the tags of each run in the tracking server."""
        return [_tags(run) for run in self._runs()]

    def _runs(self) -> list[dict[str, Any]]:
        tracking = Tracked(self.store.web)
        url = f"{self.store.web.base}/api/2.0/mlflow/runs/search"
        ids = [tracking.experiment(f"modelyard/n/{self.task.subject.name}")]
        runs: list[dict[str, Any]] = self.store.web.json("POST", url, {"experiment_ids": ids, "max_results": 1000})[
            "runs"
        ]
        return runs

    def result(self) -> SweepResult:
        return SweepResult.model_validate(self.store.get_json(self.task.result_uri))


def _iris(store: ArtifactStore) -> Data:
    table = load_iris(as_frame=True)
    frame = table.frame.astype("float32").assign(target=table.target_names[table.target])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), out)
    uri = "mlflow-artifacts:/modelyard/n/iris"
    store.put(f"{uri}/{TRAIN_PARQUET}", out.getvalue())
    columns = [{"name": name, "type": "Category" if name == "target" else "Float"} for name in frame.columns]
    return Data.model_validate(
        {"name": "iris-1", "uri": uri, "digest": "sha256:" + "0" * 64, "target": "target", "columns": columns}
    )
