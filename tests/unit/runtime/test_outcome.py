"""Checks how a task ends: its message fits a pod's termination log, and SIGTERM ends even a fit at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.wire.result import MAX_MESSAGE_BYTES
from modelyard_api.wire.task import Data
from modelyard_runtime import __main__ as program
from modelyard_runtime.pod import outcome
from modelyard_runtime.pod.errors import Retriable
from modelyard_runtime.pod.web import Refused, Unavailable
from tests.unit.runtime.memory import train_task

URI = "mlflow-artifacts:/" + "u" * 150


@pytest.mark.parametrize("character", ["a", "é", "漢", "🐧", '"', "\x01", "\u200b"])
@pytest.mark.parametrize("length", [10, 107, 1000, 5000])
def test_a_message_of_any_characters_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, character: str, length: int
) -> None:
    monkeypatch.setenv("MODELYARD_TERMINATION_LOG", str(tmp_path / "log"))
    error = {"reason": "BadRows", "message": character * length, "field": "spec.target"}
    outcome.leave({"kind": "Failed", "error": error}, URI)
    data = (tmp_path / "log").read_bytes()
    assert len(data) <= MAX_MESSAGE_BYTES
    outcome_ = json.loads(data)
    assert outcome_["error"]["message"].rstrip(".") in error["message"]
    assert outcome_["resultURI"] == URI


def test_what_can_not_be_cut_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_TERMINATION_LOG", str(tmp_path / "log"))
    outcome.leave({"kind": "Failed", "error": {"reason": "R" * 63, "message": "m", "field": "f" * 2000}}, "u" * 2000)
    assert json.loads((tmp_path / "log").read_bytes())["error"]["reason"] == "R" * 63


ENDS = """
import atexit, runpy, sys
atexit.register(print, "dismantled")
sys.argv = ["modelyard_runtime", "--task", sys.argv[1]]
runpy.run_module("modelyard_runtime", run_name="__main__")
"""


def test_a_pod_ends_with_its_task_and_dismantles_nothing(tmp_path: Path) -> None:
    """Python's own end costs a small run 0.5 s of CPU time, for which everybody would wait."""
    log = tmp_path / "log"
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path / "no-task")],
        env={**os.environ, "MODELYARD_TERMINATION_LOG": str(log)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "dismantled" in ended.stdout) == (1, False)
    assert "can't be read" in ended.stdout + ended.stderr
    assert json.loads(log.read_bytes())["error"]["reason"] == "InternalError"


FIT = """
from modelyard_runtime.__main__ import stop_on_sigterm
stop_on_sigterm(awaits=False)
import numpy as np
from sklearn.svm import SVC
rng = np.random.default_rng(0)
x, y = rng.normal(size=(60000, 20)), rng.integers(0, 2, 60000)
print("fitting", flush=True)
SVC(C=1e6).fit(x, y)
"""


def test_sigterm_ends_a_fit_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", FIT], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "fitting\n"
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 143
            assert time.monotonic() - begin < 5
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("error", "code", "reason", "says"),
    [
        (Unavailable("GET x: refused"), 75, "TrackingUnavailable", "http://tracking:5000 can't be reached"),
        (Unavailable("PUT x: 507", full=True), 75, "TrackingFull", "is full; enlarge it, or delete there"),
        (Refused("GET x: 403 pod y may not"), 1, "TrackingRefused", "403 pod y may not"),
        (Retriable("PackageIndexUnavailable", "no index"), 1, "PackageIndexUnavailable", "no index"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "DiskFull", "resources.requests.ephemeral-storage"),
        (OSError(errno.EIO, "Input/output error"), 1, "InternalError", "Input/output error"),
    ],
)
def test_what_stands_in_the_way_is_told_by_reason_and_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, reason: str, says: str
) -> None:
    def run(*_: Any) -> int:
        raise error

    data = Data(name="d-1", uri="b:/d", digest="sha256:0", target="y", columns=[])
    (tmp_path / "task").write_text(train_task(data, "DecisionTreeClassifier").model_dump_json(by_alias=True))
    monkeypatch.setenv("MODELYARD_TERMINATION_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program, "stop_on_sigterm", lambda *_: None)
    assert program.main(["train", "--task", str(tmp_path / "task")]) == code
    failure = json.loads((tmp_path / "log").read_bytes())["error"]
    assert failure["reason"] == reason
    assert says in failure["message"]


COLLECT = """
import os, signal, sys
from pathlib import Path
from modelyard_runtime.__main__ import stop_on_sigterm
stop_on_sigterm(awaits=True)
from modelyard_runtime.pod.container import wait_for_the_end
if sys.argv[2] == "early":
    os.kill(os.getpid(), signal.SIGTERM)
wait_for_the_end(Path(sys.argv[1]))
print("collecting")
"""


@pytest.mark.parametrize(("when", "code"), [("early", 143), ("late", 0)])
def test_a_collector_goes_on_after_the_container_alone(tmp_path: Path, when: str, code: int) -> None:
    ready = tmp_path / "ready"
    with subprocess.Popen([sys.executable, "-c", COLLECT, ready, when], stdout=subprocess.PIPE, text=True) as process:
        try:
            while when == "late" and not ready.exists() and process.poll() is None:
                time.sleep(0.02)
            if when == "late":
                process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=30)
            assert process.returncode == code
            assert ("collecting" in output) == (code == 0)
        finally:
            process.kill()
