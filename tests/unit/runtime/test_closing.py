"""Stops and breaks the pods of a script, real processes with a real tracking server: no run is left open there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.trainer import Trainer
from modelyard_api.wire.task import Data, Subject
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.tracking import Tracking as Tracked
from modelyard_runtime.pod.web import Web
from tests.support.tracking import Tracking
from tests.unit.runtime.memory import data_of, run_ingest, train_task

SCRIPT = """
import time
from pathlib import Path
from sklearn.tree import DecisionTreeClassifier

def train(context):
    context.log("loss", 1.0)
    do = Path(%r).read_text()
    if do == "wait":
        time.sleep(600)
    if do == "raise":
        raise ValueError("no")
    return DecisionTreeClassifier(max_depth=2).fit(context.train[["a"]], context.train[context.target])
"""
POD = """
import sys
from modelyard_api.wire import task
for name in ("SCRIPT", "OUT", "WORK", "BUNDLE"):
    setattr(task, f"{name}_FOLDER", f"{sys.argv[1]}/{name.lower()}")
from modelyard_runtime.__main__ import main
sys.exit(main(["script", "--task", f"{sys.argv[1]}/task.json"]))
"""
"""What a pod runs, with its folders below another one. As there, no library is imported before SIGTERM is blocked."""


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    with Tracking(tmp_path_factory.mktemp("tracking")) as server:
        yield server


@pytest.fixture(scope="module")
def data(tracking: Tracking, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return table(tmp_path_factory.mktemp("data"), tracking)


def table(folder: Path, tracking: Tracking) -> Data:
    (folder / "t.csv").write_text("a,b,y\n" + "".join(f"{i},{i}.5,{i % 2}\n" for i in range(40)))
    return data_of(run_ingest(folder, "t.csv", ArtifactStore(Web(tracking.url)), target="y"))


class Pod:
    """The pods of one run, one after the other."""

    def __init__(self, folder: Path, tracking: Tracking, data: Data, uid: str) -> None:
        self._folder, self._uid, self._tracked = folder, uid, Tracked(Web(tracking.url))
        source = SCRIPT % str(folder / "do")
        for name in ("script", "out"):
            (folder / name).mkdir()
        (folder / "script" / "train.py").write_text(source)
        trainer = Trainer.model_validate({"script": {"configMap": {"name": "c", "key": "train.py"}}})
        base = f"mlflow-artifacts:/modelyard/n/{uid}"
        update = {
            "trainer": trainer,
            "script_files": {"train.py": sha256(source.encode())},
            "subject": Subject(namespace="n", name=uid, uid=uid),
            "tracking_url": tracking.url,
            "base_uri": base,
            "result_uri": f"{base}/result.json",
        }
        task = train_task(data, "none").model_copy(update=update)
        (folder / "task.json").write_text(task.model_dump_json(by_alias=True, exclude_none=True))

    def start(self, do: str) -> subprocess.Popen[bytes]:
        (self._folder / "do").write_text(do)
        environment = {**os.environ, "MODELYARD_TERMINATION_LOG": os.devnull}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", POD, str(self._folder)], env=environment, stdout=log, stderr=log
            )

    def stop(self) -> int:
        """Starts a pod whose function waits, and stops it as the kubelet does; returns its exit code."""
        process = self.start("wait")
        try:
            self.until_running(process)
            process.terminate()
            return process.wait(60)
        finally:
            process.kill()

    def until_running(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + 120
        while self.status() != "RUNNING":
            assert process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < ends, self.status()
            time.sleep(0.1)

    def status(self) -> str:
        """Returns the status of its run in the tracking server, empty if there is none."""
        web = self._tracked.web
        ids = [self._tracked.experiment(f"modelyard/n/{self._uid}")]
        url = f"{web.base}/api/2.0/mlflow/runs/search"
        runs = web.json("POST", url, {"experiment_ids": ids, "max_results": 10}).get("runs") or []
        assert len(runs) <= 1, "all pods report to one run"
        return str(runs[0]["info"]["status"]) if runs else ""


def test_a_stopped_script_is_killed_there_and_goes_on_with_the_next_pod(
    tmp_path: Path, tracking: Tracking, data: Data
) -> None:
    pod = Pod(tmp_path, tracking, data, "stopped")
    assert (pod.stop(), pod.status()) == (143, "KILLED")
    assert (pod.stop(), pod.status()) == (143, "KILLED"), "it was running meanwhile, or this would have waited"
    assert (pod.start("train").wait(120), pod.status()) == (0, "FINISHED")


def test_a_script_that_fails_is_failed_there(tmp_path: Path, tracking: Tracking, data: Data) -> None:
    pod = Pod(tmp_path, tracking, data, "raises")
    assert (pod.start("raise").wait(120), pod.status()) == (2, "FAILED")


def test_a_pod_that_does_not_come_to_the_script_ends_the_run_of_the_one_before(
    tmp_path: Path, tracking: Tracking, data: Data
) -> None:
    pod = Pod(tmp_path, tracking, data, "edited")
    process = pod.start("wait")
    pod.until_running(process)
    process.kill()
    process.wait()
    assert pod.status() == "RUNNING", "nobody can say anything after a SIGKILL"
    (tmp_path / "script" / "train.py").write_text("def train(context): ...")
    assert (pod.start("train").wait(120), pod.status()) == (2, "FAILED")


def test_a_server_that_is_away_does_not_keep_a_stopped_pod(tmp_path: Path) -> None:
    with Tracking(tmp_path / "tracking") as server:
        pod = Pod(tmp_path, server, table(tmp_path, server), "away")
        process = pod.start("wait")
        pod.until_running(process)
    try:
        process.terminate()
        assert process.wait(60) == 143
    finally:
        process.kill()
